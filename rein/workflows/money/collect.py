"""Collecting one's money: check the payment somebody signed; then add the second signature and send it."""

from __future__ import annotations

from typing import Any

from rein.errors import OrderError
from rein.escrow.carried import psbts_in
from rein.escrow.contract import EscrowKind
from rein.escrow.proposals import Ending, Proposal
from rein.escrow.terms import Terms
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.money.chain_view import ChainView
from rein.workflows.money.payments import Ready, ready_payments, refuse_all, role_of, see
from rein.workflows.orders.load import my_orders, terms_if_any
from rein.workflows.session import Session

_FIRST = {Ending.RESOLUTION: 0, Ending.ACCEPTANCE: 1}
"""Which of several payments of the same money to take: those by the mediator's own decision, then what the creator
owes by accepting."""


def orders_to_collect(session: Session) -> list[Order]:
    """Jobs that owe me money I have not collected, as far as the documents and the last look at the chain say."""
    return [order for order in my_orders(session).orders if owes(session, order)]


def owes(session: Session, order: Order) -> bool:
    """Whether an order owes the identity a payment that it can complete."""
    terms, paid = terms_if_any(order), session.store.escrows.payments(order.contract_id)
    if order.bid is None or terms is None:
        return False
    unpaid = {each.kind for each in terms.escrows if each.id not in paid}
    if order.master_address(Role.WORKER) == session.address:
        return bool(order.acceptances) and EscrowKind.PRICE in unpaid
    if order.master_address(Role.MEDIATOR) == session.address:
        is_due = bool(order.acceptances or order.resolutions) or EscrowKind.PRICE not in unpaid
        return is_due and EscrowKind.FEE in unpaid and _carries_fee(order, terms)
    return False


def prepare(session: Session, order: Order) -> list[Ready]:
    """Check the payments that are owed to this person against the documents and the chain.

    :raises OrderError: nothing is owed to this person here, or it was collected already.
    :raises EscrowError: the payment is not the agreed one, or the escrow does not hold the money.
    """
    role = role_of(session, order, Role.WORKER, Role.MEDIATOR)
    seen = see(session, order)
    wanted = [each for each in seen.proposals if _is_owed(each, role, order, seen)]
    wanted.sort(key=lambda each: _FIRST.get(each.ending, len(_FIRST)))
    ready, refused = ready_payments(order, seen, role, wanted)
    if ready:
        if role is Role.WORKER:
            _tell_of_unsigned_fee(session, order, seen)
        return ready
    refuse_all(refused)
    own = EscrowKind.PRICE if role is Role.WORKER else EscrowKind.FEE
    made = [seen.payments[each.id] for each in seen.terms.of_kind(own) if each.id in seen.payments]
    if made:
        raise OrderError(f"you have collected this payment already, in {made[0].txid}")
    raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; nothing is owed to you yet")


def _is_owed(proposal: Proposal, role: Role, order: Order, seen: ChainView) -> bool:
    """A worker takes what the creator accepted. A mediator takes the fee once the job has found its end, whichever,
    and completes a resolution that one of the two has accepted."""
    if role is Role.WORKER:
        return proposal.ending is Ending.ACCEPTANCE
    if proposal.terms.kind is EscrowKind.PRICE:
        is_decided = not order.acceptances and not set(order.resolutions) & set(order.conflict)
        return proposal.ending is Ending.RESOLUTION and is_decided
    return bool(order.acceptances or order.resolutions) or _is_price_paid(seen)


def _is_price_paid(seen: ChainView) -> bool:
    return all(each.id in seen.payments for each in seen.terms.of_kind(EscrowKind.PRICE))


def _tell_of_unsigned_fee(session: Session, order: Order, seen: ChainView) -> None:
    """Say that nobody has signed the mediator's fee, though it is there. Once the worker is paid, nobody else has a
    reason to."""
    unpaid = [each for each in seen.funding.of_kind(EscrowKind.FEE) if each.id not in seen.payments]
    if not any(each.complete for each in unpaid):
        return
    fees = [each for each in seen.proposals if each.terms.kind is EscrowKind.FEE]
    ready, _ = ready_payments(order, seen, Role.MEDIATOR, fees)
    if not ready:
        session.note(
            "The mediator's fee is not signed as agreed, by anybody. Once your payment is in a block, sign the fee "
            "yourself, so that it is not lost: rein refund"
        )


def _carries_fee(order: Order, terms: Terms) -> bool:
    fees = {each.id for each in terms.of_kind(EscrowKind.FEE)}
    carriers: tuple[Signed[Any], ...] = (
        *order.acceptances,
        *order.disputes,
        *order.settlements,
        *order.refunds,
        *order.accepted_resolutions,
    )
    return any(psbts_in(each.document).keys() & fees for each in carriers)
