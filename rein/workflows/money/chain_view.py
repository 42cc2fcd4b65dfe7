"""Looking at the chain: are the escrows funded, which payment was made? One scan for all orders.

A payment counts only if a document of the job carries it and it is what that document gives: its txid is known before
it is signed, because a segwit txid does not cover signatures. What disappears again, in a reorganisation or by a
double spend, takes the order back, and is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.chain.source import MAX_OUTPUTS, FoundTransaction, Output, largest
from rein.escrow.claims import Claim, claims_of
from rein.escrow.explain import Explanation
from rein.escrow.funding import EscrowFunding, Funding, coins_of, match_funding
from rein.escrow.payout import Coin
from rein.escrow.proposals import Ending, Proposal, all_payments, proposals_of
from rein.escrow.terms import EscrowTerms, Terms
from rein.protocol.orders import Order
from rein.store.escrows import EscrowOutput, Payment
from rein.workflows.money.lookups import Lookups, to_try
from rein.workflows.orders.load import not_lost, terms_if_any
from rein.workflows.session import Session


@dataclass(frozen=True)
class ChainView:
    """What the chain shows of one order. `proposals` are all payments its documents carry; `unexplained` names the
    escrows whose money went where no document says."""

    terms: Terms
    funding: Funding
    payments: dict[str, Payment]
    proposals: list[Proposal]
    unexplained: frozenset[str]
    spent: Mapping[str, tuple[Coin, ...]] = field(default_factory=dict)
    """What each of the `payments` spends."""
    others: tuple[Payment, ...] = ()
    """Payments that end nothing: what gave back what was left over, or came too late."""
    claims: tuple[Claim, ...] = ()
    """Payments of documents that are not made, and that one more signature completes."""

    def is_paid(self, escrow_id: str) -> bool:
        """Whether whom this escrow is for has been paid, in a block. Mediators may have taken less than their fee."""
        made = self.payments.get(escrow_id)
        return made is not None and made.confirmations > 0 and made.amount > 0

    def coins(self, escrow_id: str) -> tuple[Coin, ...]:
        """The confirmed outputs that are unspent, as far as blocks show."""
        return self.funding.of(escrow_id).coins

    def safe_coins(self, escrow_id: str) -> tuple[Coin, ...]:
        """Those of them that no refund by the mediator can take first, where they are enough for the job: a payment
        that spends one of the others dies with it."""
        held = self.funding.of(escrow_id)
        taken = {outpoint for each in held.given_back for outpoint in each.outpoints}
        if not taken or held.missing:
            return held.coins
        return tuple(coin for coin in held.coins if coin.outpoint not in taken)


def look(session: Session, orders: Sequence[Order]) -> dict[str, ChainView]:
    """Look at all orders that have terms, remember what is there, and return it by contract id.

    :raises ChainError: the chain source cannot answer.
    """
    agreed = [(order, terms) for order in orders if (terms := terms_if_any(order)) is not None]
    if not agreed:
        return {}
    scripts = [each.escrow.script for _, terms in agreed for each in terms.escrows]
    outputs = largest(session.chain.unspent_outputs(scripts))
    lookups = Lookups(session.chain)
    return {order.contract_id: _look(session, lookups, order, terms, outputs) for order, terms in agreed}


def observe(session: Session, order: Order) -> ChainView | None:
    """Look at one order; None if it has no terms."""
    return look(session, [order]).get(order.contract_id)


def _look(
    session: Session, lookups: Lookups, order: Order, terms: Terms, largest_outputs: Sequence[Output]
) -> ChainView:
    proposals, signed = proposals_of(order, terms), claims_of(all_payments(order, terms))
    outputs = [*largest_outputs, *_signed_for(lookups, order, terms, proposals, largest_outputs)]
    shown = _match(session, terms, outputs, lookups)
    before = session.store.escrows.outputs(order.contract_id)
    paid_before = session.store.escrows.payments(order.contract_id)
    payments: dict[str, Payment] = {}
    rows: dict[OutPoint, EscrowOutput] = {}
    spent: dict[str, tuple[Coin, ...]] = {}
    others: list[Payment] = []
    unexplained = set()
    for each in shown.escrows:
        escrow_id = each.id
        recorded = [output for output in before if output.escrow_id == escrow_id]
        before_it = paid_before.get(escrow_id)
        made = _find_payments(lookups, order, each.terms, proposals, each.coins, recorded, before_it)
        found = _ending_payment(made, each)
        there = {output.outpoint: _row(order, escrow_id, output) for output in (*each.outputs, *each.dust)}
        if found is not None:
            payments[escrow_id], spent[escrow_id] = found.payment, found.coins
        others += [payment.payment for payment in made if payment is not found]
        # Kept as the record of what funded them. While a payment waits, blocks still show these as unspent.
        heights = {output.outpoint: output.height for output in recorded}
        heights |= {output.outpoint: output.height for output in (*each.leaving, *each.outputs, *each.dust)}
        explained = {coin: min(1, payment.payment.confirmations) for payment in made for coin in payment.coins}
        taken = dict.fromkeys(coins_of(each.leaving), 0) | explained
        there |= {
            coin.outpoint: _spent(order, escrow_id, coin, heights.get(coin.outpoint), depth)
            for coin, depth in taken.items()
        }
        rows |= there
        gone = [output for output in recorded if output.outpoint not in there]
        known = {output.outpoint for output in recorded if output.spent} | {coin.outpoint for coin in explained}
        going = [output.outpoint for output in each.leaving if output.outpoint not in known]
        claimed = [claim for claim in signed if claim.script == each.terms.escrow.script]
        if _tell_what_is_gone(session, order, escrow_id, gone, going, before_it, made, claimed):
            unexplained.add(escrow_id)
    _tell_what_waits_again(session, order, paid_before.values(), payments.values())
    session.store.escrows.observe(order.contract_id, list(rows.values()), list(payments.values()))
    claims = not_lost(signed, rows.values())
    funding = _match(session, terms, outputs, lookups, claims, payments)
    return ChainView(terms, funding, payments, proposals, frozenset(unexplained), spent, tuple(others), claims)


def _signed_for(
    lookups: Lookups, order: Order, terms: Terms, proposals: Sequence[Proposal], shown: Sequence[Output]
) -> Iterator[Output]:
    """What documents pay out of and a source does not show, because so many larger outputs came to the same address."""
    for escrow in terms.escrows:
        here = {each.outpoint for each in shown if each.script == escrow.escrow.script}
        if len(here) < MAX_OUTPUTS or order.bid is None:
            continue
        for _, psbt in to_try(lookups, proposals, escrow, order.bid.document, None):
            for outpoint in set(psbt.transaction.inputs) - here:
                here.add(outpoint)
                output = lookups.unspent_output(outpoint)
                if output is not None and output.height is not None and output.script == escrow.escrow.script:
                    yield output


def _match(
    session: Session,
    terms: Terms,
    outputs: Sequence[Output],
    lookups: Lookups,
    claims: Collection[Claim] = (),
    paid: Collection[str] = (),
) -> Funding:
    """The escrows as they are now. Of a stranger's many outputs only those are asked about that would count."""
    leaving: set[OutPoint] = set()
    while True:
        funding = match_funding(terms, outputs, session.network, leaving=leaving, claims=claims, paid=paid)
        counting = [each.outpoint for escrow in funding.escrows for each in (*escrow.outputs, *escrow.counted)]
        more = {each for each in counting if lookups.spends(each)}
        if not more:
            return funding
        leaving |= more


@dataclass(frozen=True)
class _Found:
    payment: Payment
    coins: tuple[Coin, ...]


def _find_payments(
    chain: Lookups,
    order: Order,
    terms: EscrowTerms,
    proposals: Iterable[Proposal],
    unspent: Collection[Coin],
    recorded: Collection[EscrowOutput],
    before: Payment | None,
) -> list[_Found]:
    """The payments of documents that are on the chain or on their way: one, or several that spent different outputs."""
    if order.bid is None:
        return []
    known = {Coin(each.outpoint, each.amount) for each in recorded} | set(unspent)
    tried: set[str] = set()
    gone: set[OutPoint] = set()
    found: list[_Found] = []
    for proposal, psbt in to_try(chain, proposals, terms, order.bid.document, before.txid if before else None):
        inputs = psbt.transaction.inputs
        if psbt.transaction.txid in tried or not gone.isdisjoint(inputs) or _all_unspent(chain, psbt, unspent):
            continue  # it spends what another payment has spent, or what nobody has
        explanation = _explain(chain, order, proposal, psbt, known)
        if explanation is None or not explanation.as_agreed:
            continue
        tried.add(psbt.transaction.txid)
        payment = _payment(chain, order, proposal, explanation, before)
        if payment is not None and explanation.expected is not None:
            found.append(_Found(payment, explanation.expected.coins))
            gone.update(inputs)
    return found


def _ending_payment(made: Sequence[_Found], escrow: EscrowFunding) -> _Found | None:
    """The payment that ends what an escrow is for. Not the refund of something that was left over or came too much,
    while the escrow still holds all that was agreed on: nobody closes a job by giving a trifle back."""
    gone = {coin for each in made for coin in each.coins}
    still_full = sum(coin.amount for coin in escrow.coins if coin not in gone) >= escrow.terms.amount
    refund = Ending.REFUND.value
    ending = [each for each in made if each.payment.ending != refund or not still_full]
    return max(ending, key=lambda each: (each.payment.ending != refund, each.payment.confirmations), default=None)


def _all_unspent(chain: Lookups, psbt: Psbt, unspent: Collection[Coin]) -> bool:
    """Whether nothing this payment spends is spent: in a block, or on the way to one."""
    confirmed = {coin.outpoint for coin in unspent}
    return all(each in confirmed and not chain.spends(each) for each in psbt.transaction.inputs)


def _explain(
    chain: Lookups, order: Order, proposal: Proposal, psbt: Psbt, known: Collection[Coin]
) -> Explanation | None:
    """Hold a payment against outputs of this very escrow: seen now, seen before, or read in what made them. The same
    people may have another job of the same price, whose payment must not pass for this one's."""
    if order.bid is None:
        return None
    outpoints = {coin.outpoint for coin in known}
    held = set(known)
    for each in psbt.transaction.inputs:
        if each not in outpoints:
            coin = _read_coin(chain, proposal.terms, each)
            if coin is None:
                return None  # it spends what was never there, so it was never made
            held.add(coin)
    return proposal.explain_made(held, order.bid.document)


def _read_coin(chain: Lookups, terms: EscrowTerms, outpoint: OutPoint) -> Coin | None:
    made = chain.find_transaction(outpoint.txid)
    if made is None or outpoint.vout >= len(made.transaction.outputs):
        return None
    output = made.transaction.outputs[outpoint.vout]
    return Coin(outpoint, output.amount) if output.script == terms.escrow.script else None


def _find(chain: Lookups, txid: str, before: Payment | None) -> FoundTransaction | None:
    """A payment whose outputs are spent again. A node without an index finds it only in the block one names: that of
    the height at which it was last seen."""
    found = chain.find_transaction(txid)
    if found is None and before is not None and before.txid == txid and before.height is not None:
        found = chain.find_transaction(txid, chain.block_at(before.height).hash)
    return found


def _payment(
    chain: Lookups, order: Order, proposal: Proposal, explanation: Explanation, before: Payment | None
) -> Payment | None:
    payout = explanation.expected
    if payout is None:
        return None
    output = chain.unspent_output(OutPoint(payout.txid, 0))
    if output is not None:
        height, confirmations = output.height, output.confirmations
    elif (found := _find(chain, payout.txid, before)) is not None:
        height, confirmations = (found.block.height if found.block else None), found.confirmations
    else:
        return None
    return Payment(
        contract_id=order.contract_id,
        escrow_id=payout.terms.id,
        txid=payout.txid,
        amount=payout.split.payee,
        back=payout.back,
        fee=payout.fee,
        height=height,
        confirmations=confirmations,
        ending=proposal.ending.value,
        document_id=proposal.document.id,
    )


def _row(order: Order, escrow_id: str, output: Output) -> EscrowOutput:
    return EscrowOutput(
        order.contract_id, escrow_id, output.outpoint, output.amount, output.height, output.confirmations
    )


def _spent(order: Order, escrow_id: str, coin: Coin, height: int | None, depth: int) -> EscrowOutput:
    return EscrowOutput(order.contract_id, escrow_id, coin.outpoint, coin.amount, height, depth, spent=True)


def _tell_what_is_gone(
    session: Session,
    order: Order,
    escrow_id: str,
    gone: Sequence[EscrowOutput],
    going: Sequence[OutPoint],
    paid_before: Payment | None,
    made: Sequence[_Found],
    claims: Sequence[Claim],
) -> bool:
    """Say what the chain does not show any more. Whether it was spent by something that no document carries."""
    escrow = f"the {escrow_id} escrow of the job {order.job.document.job_id}"
    no_document = "by a transaction that no document here carries. The document may be on its way: `rein sync`"
    if paid_before is not None and paid_before.txid not in {each.payment.txid for each in made}:
        session.note(f"The payment {paid_before.txid} from {escrow} is not on the chain any more.")
    for outpoint in going:
        session.note(f"{outpoint} of {escrow} is being spent {no_document}.")
    is_spent = bool(going)
    for each in gone:
        still = session.chain.unspent_output(each.outpoint)
        if still is not None and still.height is not None:
            continue  # larger ones came, and it is not among those that are looked at
        if still is not None:
            session.note(f"{each.outpoint}, which funded {escrow}, has left its block, and waits for a block again.")
        elif session.chain.find_transaction(each.outpoint.txid) is not None:
            session.note(f"{each.outpoint} of {escrow} was spent {no_document}.")
            is_spent = True
        else:
            session.note(f"{each.outpoint}, which funded {escrow}, is not on the chain any more.")
            for claim in claims:
                if each.outpoint in claim.outpoints:
                    session.note(f"It may come back, and then the payment by the {claim}, can still be completed.")
    return is_spent


def _tell_what_waits_again(session: Session, order: Order, before: Iterable[Payment], now: Iterable[Payment]) -> None:
    """Say which payments were in a block and are not any more, though they may come into one again."""
    confirmed = {payment.txid for payment in before if payment.confirmations}
    for payment in now:
        if payment.txid in confirmed and not payment.confirmations:
            escrow = f"the {payment.escrow_id} escrow of the job {order.job.document.job_id}"
            session.note(f"The payment {payment.txid} from {escrow} has left its block, and waits for a block again.")
