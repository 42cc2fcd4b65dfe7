"""Accepting a delivery: the creator signs all payments."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.feerate import Feerate
from rein.errors import OrderError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import the_price
from rein.escrow.proposals import Ending
from rein.protocol.documents import AcceptDelivery, Delivery, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.chain.view import chain_view_of
from rein.workflows.money.payouts import by_escrow, fee_payout, payout_of, require_filled
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.orders.load import my_orders, require_role, roles_in
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate

_CAN_ACCEPT = (State.DELIVERED, State.DISPUTED, State.RESOLVED)
"""In a dispute too: whoever comes to agree needs no mediator."""


@dataclass(frozen=True)
class AcceptancePlan:
    """The delivery that is accepted, and the payments for it."""

    delivery: Signed[Delivery]
    payments: Plan


def orders_to_accept(session: Session) -> list[Order]:
    """Delivered jobs of mine."""
    return [
        order
        for order in my_orders(session).orders
        if order.state in _CAN_ACCEPT and order.deliveries and Role.CREATOR in roles_in(order, session.address)
    ]


def accepted_before(session: Session, order: Order) -> DocumentResult | None:
    """The acceptance that the identity has signed already, if there is one; then there is nothing to do."""
    accepted = order.acceptance
    if accepted is None or accepted.document.creator_master_address != session.address:
        return None
    return DocumentResult(accepted, stored=True, repeated=True)


def require_delivery(session: Session, order: Order) -> Signed[Delivery]:
    """The delivery that can be accepted now.

    :raises OrderError: not the creator, or nothing to accept.
    """
    require_role(order, session.address, Role.CREATOR)
    if order.state not in _CAN_ACCEPT or order.delivery is None or order.acceptance is not None:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; there is no delivery to accept")
    return order.delivery


def prepare(session: Session, order: Order, feerate: Feerate | None = None) -> AcceptancePlan:
    """The payments of an acceptance, each built from the documents and the outputs on the chain now.

    :param feerate: sat/vB; the chain source's estimate if not given. What the offer keeps for the miner is the most.
    :raises OrderError: not the creator, or nothing to accept.
    :raises EscrowError: an escrow does not hold what was agreed.
    """
    delivery = require_delivery(session, order)
    view = chain_view_of(session, order)
    require_filled(view)
    rate = feerate or current_feerate(session)
    prices = (payout_of(view, each.id, the_price(each), rate) for each in view.terms.of_kind(EscrowKind.PRICE))
    payouts = by_escrow(*prices, fee_payout(view, rate, Ending.ACCEPTANCE, Role.CREATOR))
    return AcceptancePlan(delivery, make_plan(session, order, view, Role.CREATOR, payouts))


def commit(session: Session, plan: AcceptancePlan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly these payments and the acceptance that carries them.

    :raises OrderError: nothing to accept any more, or the acceptance would not count.
    :raises EscrowError: see `sign_plan`.
    """
    order, row = plan.payments.order, session.identity
    accept = AcceptDelivery(
        **belongs_to(session, order, plan.delivery.id),
        **psbt_fields(sign_plan(session, plan.payments)),
        creator_delegate_address=row.delegate_address,
        creator_master_address=row.master_address,
    )
    return write(session, sign_answer(session, order, accept), dry_run=dry_run)
