"""Looking at the chain: are the escrows funded, which payment was made? One scan for all orders.

What disappears again, in a reorganisation or by a double spend, takes the order back, and is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rein.btc.transaction import OutPoint
from rein.chain.source import MAX_OUTPUTS, Output, largest
from rein.errors import OrderError
from rein.escrow.claims import Claim, claims_of
from rein.escrow.funding import EscrowFunding, Funding, coins_of, match_funding
from rein.escrow.payout import Coin, Payout
from rein.escrow.proposals import Proposal, all_payments, proposals_of
from rein.escrow.terms import Terms
from rein.protocol.orders import Order
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.chain.changes import say_what_is_gone, say_what_waits_again
from rein.workflows.chain.lookups import Lookups, to_try
from rein.workflows.chain.payments import MadePayment, ending_payment, find_payments
from rein.workflows.orders.load import not_lost, terms_if_any
from rein.workflows.session import Session


@dataclass(frozen=True)
class ChainView:
    """What the chain shows of one order; mappings are by the id of the escrow. `proposals` are all payments its
    documents carry; `unexplained` names the escrows whose money went where no document says."""

    terms: Terms
    funding: Funding
    payments: Mapping[str, Payment]
    proposals: list[Proposal]
    unexplained: frozenset[str]
    payouts: Mapping[str, Payout] = field(default_factory=dict)
    """The `payments`, as their documents give them."""
    others: tuple[Payment, ...] = ()
    """Payments that end nothing: what gave back what was left over, or came too late."""
    claims: tuple[Claim, ...] = ()
    """Payments of documents that are not made, and that one more signature completes."""

    def is_paid(self, escrow_id: str) -> bool:
        """Whether whom this escrow is for has been paid, in a block. Mediators may have taken less than their fee."""
        made = self.payments.get(escrow_id)
        return made is not None and made.confirmations > 0 and made.amount > 0

    def spent(self, escrow_id: str) -> tuple[Coin, ...]:
        """What the payment out of an escrow spends; nothing while there is none."""
        payout = self.payouts.get(escrow_id)
        return () if payout is None else payout.coins

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


def observe_all(session: Session, orders: Sequence[Order]) -> dict[str, ChainView]:
    """Look at all orders that have terms, remember what is there, and return it by contract id.

    :raises ChainError: the chain source cannot answer.
    """
    agreed = [(order, terms) for order in orders if (terms := terms_if_any(order)) is not None]
    if not agreed:
        return {}
    scripts = [each.escrow.script for _, terms in agreed for each in terms.escrows]
    outputs = largest(session.chain.unspent_outputs(scripts))
    lookups = Lookups(session.chain)
    return {order.contract_id: _observe(session, lookups, order, terms, outputs) for order, terms in agreed}


def observe(session: Session, order: Order) -> ChainView | None:
    """Look at one order; None if it has no terms."""
    return observe_all(session, [order]).get(order.contract_id)


def chain_view_of(session: Session, order: Order) -> ChainView:
    """What the chain shows of an order now, before anything in it is signed.

    :raises OrderError: it has no offer that counts, so there is no money.
    """
    view = observe(session, order)
    if view is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts, so there is no money in it")
    return view


@dataclass(frozen=True)
class _Sighting:
    """What is seen of one escrow, and what was recorded of it before."""

    held: EscrowFunding
    recorded: tuple[EscrowOutput, ...]
    paid_before: Payment | None
    made: list[MadePayment]
    ending: MadePayment | None

    def rows(self, order: Order) -> dict[OutPoint, EscrowOutput]:
        """The record of what lies there, and of what funded it. While a payment waits, blocks still show what it spends
        as unspent."""

        def row(coin: Coin, depth: int, *, spent: bool = False) -> EscrowOutput:
            where = (order.contract_id, self.held.id, coin.outpoint, coin.amount, heights.get(coin.outpoint))
            return EscrowOutput(*where, depth, spent)

        unspent = (*self.held.outputs, *self.held.dust)
        heights = {each.outpoint: each.height for each in self.recorded}
        heights |= {each.outpoint: each.height for each in (*self.held.leaving, *unspent)}
        depths = dict.fromkeys(coins_of(self.held.leaving), 0)
        depths |= {coin: min(1, each.payment.confirmations) for each in self.made for coin in each.payout.coins}
        there = {each.outpoint: row(Coin(each.outpoint, each.amount), each.confirmations) for each in unspent}
        return there | {coin.outpoint: row(coin, depth, spent=True) for coin, depth in depths.items()}

    def going(self) -> list[OutPoint]:
        """What something spends that no document carries, and that nobody was told of yet."""
        known = {output.outpoint for output in self.recorded if output.spent}
        known |= {coin.outpoint for each in self.made for coin in each.payout.coins}
        return [output.outpoint for output in self.held.leaving if output.outpoint not in known]


def _observe(
    session: Session, lookups: Lookups, order: Order, terms: Terms, largest_outputs: Sequence[Output]
) -> ChainView:
    """One look: what is there, what was paid; it is recorded, and what changed is said."""
    proposals, signed = proposals_of(order, terms), claims_of(all_payments(order, terms))
    outputs = [*largest_outputs, *_signed_for(lookups, order, terms, proposals, largest_outputs)]
    paid_before = session.store.escrows.payments(order.contract_id)
    recorded = session.store.escrows.outputs(order.contract_id)
    shown = _match(session, terms, outputs, lookups)
    sightings = [_sight(lookups, order, each, proposals, recorded, paid_before.get(each.id)) for each in shown.escrows]
    unexplained = frozenset(each.held.id for each in sightings if _say_changes(session, order, each, signed))
    endings = {each.held.id: each.ending for each in sightings if each.ending is not None}
    payments = {escrow_id: each.payment for escrow_id, each in endings.items()}
    others = tuple(made.payment for each in sightings for made in each.made if made is not each.ending)
    say_what_waits_again(session, order, paid_before.values(), payments.values())
    rows = [row for each in sightings for row in each.rows(order).values()]
    session.store.escrows.observe(order.contract_id, rows, list(payments.values()))
    claims = not_lost(signed, rows)
    funding = _match(session, terms, outputs, lookups, claims, payments)
    payouts = {escrow_id: each.payout for escrow_id, each in endings.items()}
    return ChainView(terms, funding, payments, proposals, unexplained, payouts, others, claims)


def _sight(
    lookups: Lookups,
    order: Order,
    held: EscrowFunding,
    proposals: Sequence[Proposal],
    recorded: Sequence[EscrowOutput],
    paid_before: Payment | None,
) -> _Sighting:
    mine = tuple(output for output in recorded if output.escrow_id == held.id)
    made = find_payments(lookups, order, held.terms, proposals, held.coins, mine, paid_before)
    return _Sighting(held, mine, paid_before, made, ending_payment(made, held))


def _say_changes(session: Session, order: Order, sighting: _Sighting, signed: Sequence[Claim]) -> bool:
    """Say what is not there any more. Whether it was spent by something that no document carries."""
    there = sighting.rows(order)
    gone = [output for output in sighting.recorded if output.outpoint not in there]
    claims = [claim for claim in signed if claim.script == sighting.held.terms.escrow.script]
    going, before, made = sighting.going(), sighting.paid_before, sighting.made
    return say_what_is_gone(session, order, sighting.held.id, gone, going, before, made, claims)


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
