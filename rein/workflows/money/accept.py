"""Accepting a delivery: the creator signs both payments."""

from __future__ import annotations

from rein.errors import OrderError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import the_price
from rein.escrow.proposals import Ending
from rein.protocol.documents import AcceptDelivery, Delivery, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.money.payments import by_escrow, current_feerate, plan, plan_fee, require_filled, see
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.orders.load import my_orders, require_role, roles_in
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session

_CAN_ACCEPT = (State.DELIVERED, State.DISPUTED, State.RESOLVED)
"""In a dispute too: whoever comes to agree needs no mediator."""


def orders_to_accept(session: Session) -> list[Order]:
    """Delivered jobs of mine."""
    return [
        order
        for order in my_orders(session).orders
        if order.state in _CAN_ACCEPT and order.deliveries and Role.CREATOR in roles_in(order, session.address)
    ]


def check_acceptable(session: Session, order: Order) -> Signed[Delivery]:
    """The delivery that can be accepted now.

    :raises OrderError: not the creator, or nothing to accept.
    """
    require_role(order, session.address, Role.CREATOR)
    if order.state not in _CAN_ACCEPT or order.delivery is None or order.acceptance is not None:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; there is no delivery to accept")
    return order.delivery


def plan_acceptance(session: Session, order: Order, feerate: int | None = None) -> Plan:
    """Both payments of an acceptance, each built from the documents and the outputs on the chain now.

    :param feerate: sat/vB; the chain source's estimate if not given. What the offer keeps for the miner is the most.
    :raises OrderError: not the creator, or nothing to accept.
    :raises EscrowError: an escrow does not hold what was agreed.
    """
    check_acceptable(session, order)
    seen = see(session, order)
    require_filled(seen)
    rate = feerate or current_feerate(session)
    prices = (plan(seen, each.id, the_price(each), rate) for each in seen.terms.of_kind(EscrowKind.PRICE))
    payouts = by_escrow(*prices, plan_fee(seen, rate, Ending.ACCEPTANCE, Role.CREATOR))
    return make_plan(session, order, seen, Role.CREATOR, payouts)


def build_acceptance(session: Session, planned: Plan) -> Signed[AcceptDelivery]:
    """The signed acceptance of the delivery for which it was planned.

    :raises OrderError: nothing to accept.
    :raises EscrowError: see `sign_plan`.
    """
    order = planned.order
    delivery = check_acceptable(session, order)
    texts = sign_plan(session, planned)
    row = session.identity
    accept = AcceptDelivery(
        **belongs_to(session, order, delivery.id),
        **psbt_fields(texts),
        creator_delegate_address=row.delegate_address,
        creator_master_address=row.master_address,
    )
    return sign_answer(session, order, accept)
