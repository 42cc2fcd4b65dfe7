"""Collecting one's money: check the payment somebody signed; then add the second signature and send it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.errors import OrderError
from rein.escrow.carried import psbts_in
from rein.escrow.contract import EscrowKind
from rein.escrow.proposals import Ending, Proposal
from rein.escrow.terms import Terms
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.chain.view import ChainView, chain_view_of
from rein.workflows.money.completion import (
    CompletionPlan,
    OnSent,
    PaymentsResult,
    Refusal,
    ignore,
    ready_payments,
    send_all,
)
from rein.workflows.money.payouts import role_of
from rein.workflows.orders.load import my_orders, terms_if_any
from rein.workflows.session import Session

_FIRST = {Ending.RESOLUTION: 0, Ending.ACCEPTANCE: 1}
"""Which of several payments of the same money to take: those by the mediator's own decision, then what the creator
owes by accepting."""


@dataclass(frozen=True)
class CollectionPlan(CompletionPlan):
    """What is owed to this person and can be collected. `fee_is_unsigned`: nobody has signed the mediator's fee as
    agreed, though it is there; once the worker is paid, nobody else has a reason to."""

    fee_is_unsigned: bool = False


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


def prepare(session: Session, order: Order) -> CollectionPlan | PaymentsResult:
    """Check the payments that are owed to this person against the documents and the chain. Where they were collected
    already, that result: then there is nothing to do.

    :raises OrderError: nothing is owed to this person here.
    :raises EscrowError: the payment is not the agreed one, or the escrow does not hold the money.
    """
    role = role_of(session, order, Role.WORKER, Role.MEDIATOR)
    view = chain_view_of(session, order)
    owed = [each for each in view.proposals if _is_owed(each, role, order, view)]
    owed.sort(key=lambda each: _FIRST.get(each.ending, len(_FIRST)))
    ready, refused = ready_payments(order, view, role, owed)
    if ready:
        unsigned = role is Role.WORKER and _is_fee_unsigned(order, view)
        return CollectionPlan(order, tuple(ready), unsigned)
    Refusal.raise_first(refused)
    own = EscrowKind.PRICE if role is Role.WORKER else EscrowKind.FEE
    made = [each.id for each in view.terms.of_kind(own) if each.id in view.payments]
    if made:
        payouts = tuple(view.payouts[each] for each in made)
        return PaymentsResult(order, payouts, tuple(view.payments[each] for each in made), repeated=True)
    raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; nothing is owed to you yet")


def commit(
    session: Session, plan: CollectionPlan, *, dry_run: bool = False, on_sent: OnSent = ignore
) -> PaymentsResult:
    """Complete exactly these payments and give them to the network.

    :raises EscrowError, RejectedError: as `sign_and_send`.
    """
    return send_all(session, plan, dry_run=dry_run, on_sent=on_sent)


def _is_owed(proposal: Proposal, role: Role, order: Order, view: ChainView) -> bool:
    """A worker takes what the creator accepted. A mediator takes the fee once the job has found its end, whichever,
    and completes a resolution that one of the two has accepted."""
    if role is Role.WORKER:
        return proposal.ending is Ending.ACCEPTANCE
    if proposal.terms.kind is EscrowKind.PRICE:
        is_decided = not order.acceptances and not set(order.resolutions) & set(order.conflict)
        return proposal.ending is Ending.RESOLUTION and is_decided
    is_paid = all(each.id in view.payments for each in view.terms.of_kind(EscrowKind.PRICE))
    return bool(order.acceptances or order.resolutions) or is_paid


def _is_fee_unsigned(order: Order, view: ChainView) -> bool:
    unpaid = [each for each in view.funding.of_kind(EscrowKind.FEE) if each.id not in view.payments]
    fees = [each for each in view.proposals if each.terms.kind is EscrowKind.FEE]
    return any(each.complete for each in unpaid) and not ready_payments(order, view, Role.MEDIATOR, fees)[0]


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
