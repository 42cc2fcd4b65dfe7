"""Whether the money is there: what the chain shows at the escrows, held against the terms and against what is signed.

An escrow may be filled by one transaction or several, from any wallet. What comes too much is not lost: it goes back
to the payer with the payment (`rein.escrow.payout`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from rein.btc.amounts import DUST_LIMIT, Sat, format_btc
from rein.btc.networks import REGTEST, Network
from rein.btc.transaction import OutPoint
from rein.chain.source import Output
from rein.escrow.claims import Claim
from rein.escrow.contract import EscrowKind, Escrows
from rein.escrow.counted import counted
from rein.escrow.payable import covers, missing_from, payable_in_every_ending
from rein.escrow.payout import Coin, choose_coins
from rein.escrow.proposals import Ending
from rein.escrow.terms import MAX_COINS, MIN_FEERATE, EscrowTerms, Terms
from rein.protocol.documents import Role

_ONE_CONFIRMATION_BELOW = Sat(1_000_000)
_THREE_CONFIRMATIONS_BELOW = Sat(100_000_000)


def confirmations_needed(amount: Sat, network: Network) -> int:
    """How deep an output must lie before work starts: 1 below 0.01 BTC and on regtest, 3 below 1 BTC, else 6."""
    if network is REGTEST or amount < _ONE_CONFIRMATION_BELOW:
        return 1
    return 3 if amount < _THREE_CONFIRMATIONS_BELOW else 6


class Filling(Enum):
    """How much an escrow holds, of what was agreed."""

    EMPTY = "empty"
    UNDER = "under"
    EXACT = "exact"
    OVER = "over"


class Verdict(Enum):
    """What an escrow needs, the first of these that holds. The values are stable: programs read them."""

    PAID = "paid"
    """Nothing: a payment of the job has emptied it, or is about to."""
    COMPLETE = "complete"
    """Nothing: all is there, deep enough, and pays in every ending; nobody else's signature can take it."""
    CLAIMED = "claimed"
    """No money: the mediator has signed that all of it goes back, and the creator can complete that alone."""
    WAIT = "wait"
    """Confirmations."""
    LEAVING = "leaving"
    """A block: something on its way there spends what was paid in, and no document says why."""
    AGAIN = "again"
    """Money, and care: a payment is signed of outputs that the chain does not show. Where these come back, it can be
    completed beside the payment of what is paid in again."""
    PAY = "pay"
    """Money."""


@dataclass(frozen=True)
class EscrowFunding:
    """What the chain shows at one escrow. `outputs` are those worth spending; `leaving` those that something in the
    mempool spends; `dust` is the rest. `claims` are payments of this escrow that wait for one signature; `paid`:
    whether one was made.
    """

    terms: EscrowTerms
    outputs: tuple[Output, ...]
    dust: tuple[Output, ...]
    confirmations_needed: int
    leaving: tuple[Output, ...]
    claims: tuple[Claim, ...]
    paid: bool

    @property
    def id(self) -> str:
        return self.terms.id

    @property
    def kind(self) -> EscrowKind:
        return self.terms.kind

    @property
    def coins(self) -> tuple[Coin, ...]:
        """Everything that blocks show, as payments name it."""
        return coins_of([*self.outputs, *self.dust, *self.leaving])

    @property
    def holds(self) -> Sat:
        """Satoshis worth spending, however deep they lie."""
        return _sum(self.outputs)

    @cached_property
    def given_back(self) -> tuple[Claim, ...]:
        """Refunds of what is there that the mediator has signed: the creator can complete them alone, now or later."""
        there = {output.outpoint for output in (*self.outputs, *self.dust)}
        return tuple(each for each in self.claims if each.is_given_back and each.can_take(there))

    @property
    def may_come_back(self) -> tuple[Claim, ...]:
        """Payments that others than the payer can complete, of outputs that the chain does not show: they left it, or
        nobody has seen them yet."""
        there = {output.outpoint for output in (*self.outputs, *self.dust, *self.leaving)}
        return tuple(each for each in self.claims if each.takers - {Role.CREATOR} and not each.is_open(there))

    @cached_property
    def counted(self) -> tuple[Output, ...]:
        """The outputs that fund the job: those worth spending that no refund by the mediator can take."""
        taken = {outpoint for each in self.given_back for outpoint in each.outpoints}
        free = [output for output in (*self.outputs, *self.dust) if output.outpoint not in taken]
        return _worth_spending(self.terms, free)

    def takers_without(self, role: Role) -> tuple[Claim, ...]:
        """What others can complete of what funds the job, and need not ask this role again."""
        counted = {output.outpoint for output in self.counted}
        endings = (Ending.SETTLEMENT, Ending.REFUND, Ending.RESOLUTION)
        return tuple(
            each for each in self.claims if each.ending in endings and each.takers - {role} and each.can_take(counted)
        )

    @property
    def missing(self) -> Sat:
        """Satoshis still to be paid in."""
        return Sat(max(0, self.terms.amount - _sum(self.counted)))

    @property
    def surplus(self) -> Sat:
        """Satoshis worth spending above what was agreed; they go back to the payer with the payment."""
        return Sat(max(0, self.holds - self.terms.amount))

    @cached_property
    def ask(self) -> Sat | None:
        """The smallest single payment after which nothing more is missing: more than is missing, where the network
        does not carry so little, or where it takes the place of a smaller output in the payment. None where nothing is
        to be paid in."""
        if self.verdict not in (Verdict.PAY, Verdict.AGAIN):
            return None
        return Sat(max(DUST_LIMIT, missing_from(self.terms, coins_of(self.counted))))

    @property
    def filling(self) -> Filling:
        if not self.outputs:
            return Filling.EMPTY
        if self.holds < self.terms.amount:
            return Filling.UNDER
        return Filling.EXACT if self.holds == self.terms.amount else Filling.OVER

    @property
    def confirmations(self) -> int:
        """Of the outputs that together make up the amount, the deepest ones first, the youngest's."""
        gathered = 0
        for output in sorted(self.outputs, key=lambda each: -each.confirmations):
            gathered += output.amount
            if gathered >= self.terms.amount:
                return output.confirmations
        return 0

    @property
    def complete(self) -> bool:
        """Whether what was agreed is there and deep enough: payments of it may be signed. Whether somebody works for
        it is for the `verdict` to say."""
        return self.confirmations >= self.confirmations_needed

    @cached_property
    def verdict(self) -> Verdict:
        """What this escrow needs."""
        if self.paid:
            return Verdict.PAID
        if _pays(self.terms, coins_of(self.counted)):
            return Verdict.COMPLETE if self._paying_depth >= self.confirmations_needed else Verdict.WAIT
        if self.given_back and _sum(self.outputs) - _sum(self.counted) >= self.terms.amount:
            return Verdict.CLAIMED
        if self.leaving:
            return Verdict.LEAVING
        return Verdict.AGAIN if self.may_come_back else Verdict.PAY

    @cached_property
    def _paying_depth(self) -> int:
        """How deep they lie at least without which the job could not be paid: many small ones may make up the amount,
        and only a younger one be large enough for a payment."""
        for depth in sorted({output.confirmations for output in self.counted}, reverse=True):
            if _pays(self.terms, coins_of(each for each in self.counted if each.confirmations >= depth)):
                return depth
        return 0

    def __str__(self) -> str:
        return f"{self.id} escrow: {', '.join(self.words())}"

    def words(self) -> Iterable[str]:
        """What is there and what it needs, in clauses."""
        verdict, held = self.verdict, format_btc(self.holds)
        if verdict is Verdict.PAID:
            yield "paid out"
            if self.holds:
                yield f"{held} BTC lie there beside that, which go back to the creator by a refund"
        elif verdict is Verdict.LEAVING:
            yield f"{format_btc(_sum(self.leaving))} BTC of it are being spent by something no document here carries"
        elif self.filling is Filling.EMPTY:
            yield "nothing has come in a block yet"
        elif verdict is Verdict.WAIT:
            yield f"arrived, {self._paying_depth} of {counted(self.confirmations_needed, 'confirmation')}"
        elif verdict is Verdict.COMPLETE:
            yield f"{held} BTC, {counted(self._paying_depth, 'confirmation')}"
        else:
            yield f"holds {held} BTC of {format_btc(self.terms.amount)}"
        for each in self.given_back:
            yield f"{format_btc(each.total)} BTC of it do not count: the creator can take them by the {each}"
        if self.ask is not None and self.outputs:
            yield f"{format_btc(self.ask)} BTC more must go to the same address"
            if self.ask > self.missing:
                yield self._why_more()
        if self.surplus and not self.paid:
            yield f"{format_btc(self.surplus)} BTC too much, which come back with the payment, or by a refund after it"
        if self.dust:
            outputs = counted(len(self.dust), "output")
            yield f"{_sum(self.dust):,} sat in {outputs} that no payment spends; a refund after it may"

    def _why_more(self) -> str:
        if self.missing < DUST_LIMIT:
            return f"though only {self.missing:,} sat is missing: the network does not carry less"
        return f"though only {self.missing:,} sat is missing: a payment spends {MAX_COINS} outputs at most"


class Funding(Escrows[EscrowFunding]):
    """What the chain shows at all escrows of a job."""

    @property
    def complete(self) -> bool:
        """Whether the work can begin: all escrows are there, for whatever end the job finds."""
        return all(each.verdict is Verdict.COMPLETE for each in self.escrows)

    @property
    def waits(self) -> bool:
        """Whether money or blocks are all that is missing."""
        waiting = (Verdict.COMPLETE, Verdict.WAIT, Verdict.PAY, Verdict.AGAIN)
        return not self.complete and all(each.verdict in waiting for each in self.escrows)


def coins_of(outputs: Iterable[Output]) -> tuple[Coin, ...]:
    """Outputs of the chain, as payments name them."""
    return tuple(sorted(Coin(output.outpoint, output.amount) for output in outputs))


def match_funding(
    terms: Terms,
    outputs: Sequence[Output],
    network: Network,
    *,
    leaving: Collection[OutPoint] = (),
    claims: Iterable[Claim] = (),
    paid: Collection[str] = (),
) -> Funding:
    """Hold unspent outputs from the chain against the terms. Dust sent by a stranger to an escrow address is listed
    and does not count.

    :param outputs: what blocks show.
    :param leaving: those of them that something in the mempool spends.
    :param claims: the payments of the job's documents that wait for one more signature.
    :param paid: the ids of the escrows that a payment of the job has emptied, or is about to.
    """
    claimed = tuple(claims)

    def match(escrow: EscrowTerms) -> EscrowFunding:
        here = sorted((each for each in outputs if each.script == escrow.escrow.script), key=lambda each: each.outpoint)
        there = [each for each in here if each.outpoint not in leaving]
        worth = _worth_spending(escrow, there)
        return EscrowFunding(
            escrow,
            worth,
            tuple(each for each in there if each not in worth),
            confirmations_needed(escrow.amount, network),
            tuple(each for each in here if each.outpoint in leaving),
            tuple(each for each in claimed if each.script == escrow.escrow.script),
            escrow.id in paid,
        )

    return Funding(tuple(match(each) for each in terms.escrows))


def _worth_spending(terms: EscrowTerms, outputs: Iterable[Output]) -> tuple[Output, ...]:
    """Those that a payment would spend, in their order."""
    there = sorted(outputs, key=lambda each: each.outpoint)
    worth = {coin.outpoint for coin in choose_coins(terms, coins_of(there), MIN_FEERATE)}
    return tuple(each for each in there if each.outpoint in worth)


def _pays(terms: EscrowTerms, coins: Collection[Coin]) -> bool:
    """Whether outputs hold what was agreed, and enough for whoever the job pays in the end, and for the miner. What is
    not covered by those that one payment can spend would owe the mediator no fee in a refund."""
    is_there = sum(coin.amount for coin in coins) >= terms.amount and covers(terms, coins)
    return is_there and payable_in_every_ending(terms, coins)


def _sum(outputs: Iterable[Output]) -> Sat:
    return Sat(sum(output.amount for output in outputs))
