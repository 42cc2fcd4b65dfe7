"""Collecting one's money: check the payment somebody signed; then add the second signature and send it."""

from __future__ import annotations

from typing import Any

from rein.errors import OrderError
from rein.escrow.contract import EscrowKind
from rein.escrow.proposals import Ending, Proposal
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.money.chain_view import ChainView
from rein.workflows.money.payments import Ready, ready_payments, refuse_all, role_of, see
from rein.workflows.orders.load import my_orders
from rein.workflows.session import Session

_FIRST = {Ending.RESOLUTION: 0, Ending.ACCEPTANCE: 1}
"""Which of several payments of the same money to take: those by the mediator's own decision, then what the creator
owes by accepting."""


def orders_to_collect(session: Session) -> list[Order]:
    """Jobs that owe me money I have not collected, as far as the documents and the last look at the chain say."""
    return [order for order in my_orders(session).orders if owes(session, order)]


def owes(session: Session, order: Order) -> bool:
    """Whether an order owes the identity a payment that it can complete."""
    paid = session.store.escrows.payments(order.contract_id)
    if order.bid is None:
        return False
    if order.master_address(Role.WORKER) == session.address:
        return bool(order.acceptances) and EscrowKind.PRIMARY.value not in paid
    if order.master_address(Role.MEDIATOR) == session.address:
        is_due = bool(order.acceptances or order.resolutions) or EscrowKind.PRIMARY.value in paid
        return is_due and EscrowKind.MEDIATOR.value not in paid and _carries_fee(order)
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
    own = EscrowKind.PRIMARY if role is Role.WORKER else EscrowKind.MEDIATOR
    if own in seen.payments:
        raise OrderError(f"you have collected this payment already, in {seen.payments[own].txid}")
    raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; nothing is owed to you yet")


def _is_owed(proposal: Proposal, role: Role, order: Order, seen: ChainView) -> bool:
    """A worker takes what the creator accepted. A mediator takes the fee once the job has found its end, whichever,
    and completes a resolution that one of the two has accepted."""
    if role is Role.WORKER:
        return proposal.ending is Ending.ACCEPTANCE
    if proposal.purse.escrow.kind is EscrowKind.PRIMARY:
        is_decided = not order.acceptances and not set(order.resolutions) & set(order.conflict)
        return proposal.ending is Ending.RESOLUTION and is_decided
    return bool(order.acceptances or order.resolutions) or EscrowKind.PRIMARY in seen.payments


def _tell_of_unsigned_fee(session: Session, order: Order, seen: ChainView) -> None:
    """Say that nobody has signed the mediator's fee, though it is there. Once the worker is paid, nobody else has a
    reason to."""
    if EscrowKind.MEDIATOR in seen.payments or not seen.funding.mediator.complete:
        return
    fees = [each for each in seen.proposals if each.purse.escrow.kind is EscrowKind.MEDIATOR]
    ready, _ = ready_payments(order, seen, Role.MEDIATOR, fees)
    if not ready:
        session.note(
            "The mediator's fee is not signed as agreed, by anybody. Once your payment is in a block, sign the fee "
            "yourself, so that it is not lost: rein refund"
        )


def _carries_fee(order: Order) -> bool:
    carriers: tuple[Signed[Any], ...] = (
        *order.acceptances,
        *order.disputes,
        *order.settlements,
        *order.refunds,
        *order.accepted_resolutions,
    )
    return any(getattr(each.document, "mediator_psbt", None) for each in carriers)
