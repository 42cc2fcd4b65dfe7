"""Accepting a delivery: the creator signs both payments."""

from __future__ import annotations

from rein.errors import OrderError
from rein.escrow.contract import Purse
from rein.escrow.payout import the_price
from rein.escrow.proposals import Ending
from rein.protocol.documents import AcceptDelivery, Delivery, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.desk import Desk
from rein.workflows.money.payments import current_feerate, plan, plan_fee, require_filled, see
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.orders.answer import belongs_to, sign_answer
from rein.workflows.orders.cases import my_orders, require_role, roles_in

_CAN_ACCEPT = (State.DELIVERED, State.DISPUTED, State.RESOLVED)
"""In a dispute too: whoever comes to agree needs no mediator."""


def orders_to_accept(desk: Desk) -> list[Order]:
    """Delivered jobs of mine."""
    return [
        order
        for order in my_orders(desk).orders
        if order.state in _CAN_ACCEPT and order.deliveries and Role.CREATOR in roles_in(order, desk.address)
    ]


def check_acceptable(desk: Desk, order: Order) -> Signed[Delivery]:
    """The delivery that can be accepted now.

    :raises OrderError: not the creator, or nothing to accept.
    """
    require_role(order, desk.address, Role.CREATOR)
    if order.state not in _CAN_ACCEPT or order.delivery is None or order.acceptance is not None:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; there is no delivery to accept")
    return order.delivery


def plan_acceptance(desk: Desk, order: Order, feerate: int | None = None) -> Plan:
    """Both payments of an acceptance, each built from the documents and the outputs on the chain now.

    :param feerate: sat/vB; the chain source's estimate if not given. What the offer keeps for the miner is the most.
    :raises OrderError: not the creator, or nothing to accept.
    :raises EscrowError: an escrow does not hold what was agreed.
    """
    check_acceptable(desk, order)
    seen = see(desk, order)
    require_filled(seen)
    rate = feerate or current_feerate(desk)
    payouts = {
        Purse.PRIMARY: plan(seen, Purse.PRIMARY, the_price(seen.terms.primary), rate),
        Purse.MEDIATOR: plan_fee(seen, rate, Ending.ACCEPTANCE, Role.CREATOR),
    }
    return make_plan(desk, order, seen, Role.CREATOR, payouts)


def build_acceptance(desk: Desk, planned: Plan) -> Signed[AcceptDelivery]:
    """The signed acceptance of the delivery for which it was planned.

    :raises OrderError: nothing to accept.
    :raises EscrowError: see `sign_plan`.
    """
    order = planned.order
    delivery = check_acceptable(desk, order)
    texts = sign_plan(desk, planned)
    row = desk.identity
    accept = AcceptDelivery(
        **belongs_to(desk, order, delivery.id),
        primary_psbt=texts[Purse.PRIMARY],
        mediator_psbt=texts[Purse.MEDIATOR],
        creator_delegate_address=row.delegate_address,
        creator_master_address=row.master_address,
    )
    return sign_answer(desk, order, accept)
