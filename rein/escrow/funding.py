"""Whether the money is there: the outputs the chain shows, held against the terms.

An escrow may be filled by one transaction or several, from any wallet. What comes too much is not lost: it goes back
to the payer with the payment (`rein.escrow.payout`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from rein.btc.amounts import Sat, format_btc
from rein.btc.networks import REGTEST, Network
from rein.chain.source import Output
from rein.escrow.contract import Purse
from rein.escrow.payout import Coin, choose_coins
from rein.escrow.terms import MIN_FEERATE, PurseTerms, Terms

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


@dataclass(frozen=True)
class PurseFunding:
    """What the chain shows at one escrow. `outputs` are those worth spending; `dust` is the rest."""

    terms: PurseTerms
    outputs: tuple[Output, ...]
    dust: tuple[Output, ...]
    confirmations_needed: int

    @property
    def coins(self) -> tuple[Coin, ...]:
        """Everything there, as payments name it."""
        return coins_of([*self.outputs, *self.dust])

    @property
    def holds(self) -> Sat:
        """Satoshis, however deep they lie."""
        return Sat(sum(output.amount for output in self.outputs))

    @property
    def missing(self) -> Sat:
        """Satoshis still to be paid in."""
        return Sat(max(0, self.terms.amount - self.holds))

    @property
    def filling(self) -> Filling:
        if not self.outputs:
            return Filling.EMPTY
        if self.missing:
            return Filling.UNDER
        return Filling.EXACT if self.holds == self.terms.amount else Filling.OVER

    @property
    def confirmations(self) -> int:
        """Of the outputs that together make up the amount, the deepest ones first, the youngest's."""
        gathered = 0
        for output in sorted(self.outputs, key=lambda each: (-each.confirmations, -each.amount)):
            gathered += output.amount
            if gathered >= self.terms.amount:
                return output.confirmations
        return 0

    @property
    def complete(self) -> bool:
        return not self.missing and self.confirmations >= self.confirmations_needed

    def __str__(self) -> str:
        name = f"{self.terms.escrow.purse.value} escrow"
        agreed, held = f"{format_btc(self.terms.amount)} BTC", f"{format_btc(self.holds)} BTC"
        if self.filling is Filling.EMPTY:
            return f"{name}: nothing has arrived yet"
        if self.filling is Filling.UNDER:
            return f"{name}: holds {held} of {agreed}; {format_btc(self.missing)} BTC more must go to the same address"
        too_much = Sat(self.holds - self.terms.amount)
        over = f", {format_btc(too_much)} BTC too much, which come back with the payment" if too_much else ""
        if not self.complete:
            return f"{name}: arrived, {self.confirmations} of {self.confirmations_needed} confirmations{over}"
        return f"{name}: {held}, {self.confirmations} confirmations{over}"


@dataclass(frozen=True)
class Funding:
    """Both escrows."""

    primary: PurseFunding
    mediator: PurseFunding

    @property
    def purses(self) -> tuple[PurseFunding, PurseFunding]:
        return (self.primary, self.mediator)

    @property
    def complete(self) -> bool:
        return all(purse.complete for purse in self.purses)

    def of(self, purse: Purse) -> PurseFunding:
        return self.primary if purse is Purse.PRIMARY else self.mediator


def coins_of(outputs: Iterable[Output]) -> tuple[Coin, ...]:
    """Outputs of the chain, as payments name them."""
    return tuple(sorted(Coin(output.outpoint, output.amount) for output in outputs))


def match_funding(terms: Terms, outputs: Sequence[Output], network: Network) -> Funding:
    """Hold unspent outputs from the chain against the terms. Dust sent by a stranger to an escrow address is listed
    and does not count."""
    return Funding(
        primary=_match(terms.primary, outputs, network),
        mediator=_match(terms.mediator, outputs, network),
    )


def _match(purse: PurseTerms, outputs: Sequence[Output], network: Network) -> PurseFunding:
    mine = sorted((each for each in outputs if each.script == purse.escrow.script), key=lambda each: each.outpoint)
    worth = {coin.outpoint for coin in choose_coins(purse, coins_of(mine), MIN_FEERATE)}
    return PurseFunding(
        purse,
        tuple(each for each in mine if each.outpoint in worth),
        tuple(each for each in mine if each.outpoint not in worth),
        confirmations_needed(purse.amount, network),
    )
