"""Opening a dispute: the creator or the worker says what went wrong, and signs the mediator's fee."""

from __future__ import annotations

from collections.abc import Collection

from rein.btc.feerate import Feerate
from rein.errors import EscrowError, OrderError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.proposals import Ending
from rein.protocol.documents import Dispute, DisputeDelivery, DisputeOffer, Role
from rein.protocol.orders import Order
from rein.workflows.chain.view import chain_view_of
from rein.workflows.money.payouts import by_escrow, fee_payout, role_of
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.orders.load import open_orders, require_open, require_role, roles_in
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate

_TYPES: dict[Role, type[Dispute]] = {Role.CREATOR: DisputeDelivery, Role.WORKER: DisputeOffer}


def orders_to_dispute(session: Session, roles: Collection[Role]) -> list[Order]:
    """Jobs of mine, in one of these roles, that were offered and are not over."""
    return [order for order in open_orders(session) if roles_in(order, session.address) & set(roles)]


def prepare(
    session: Session, order: Order, *, detail: str, role: Role | None = None, feerate: Feerate | None = None
) -> Plan:
    """What a dispute carries: the mediator's fee, if that escrow holds it. Where it cannot be signed, the dispute goes
    without it and says why: nobody is kept from disputing.

    :param detail: what went wrong, in words.
    :param role: as whom; the one that the identity has in the job if not given.
    :param feerate: sat/vB; the estimate if not given.
    :raises OrderError: not this role, no offer, or the job is over.
    """
    require_open(order)
    if role is None:
        role = role_of(session, order, Role.CREATOR, Role.WORKER)
    require_role(order, session.address, role)
    view = chain_view_of(session, order)
    escrow = view.funding.only(EscrowKind.FEE)
    if not escrow.outputs or escrow.id in view.payments:
        return make_plan(session, order, view, role, {}, text=detail)
    try:
        fee = fee_payout(view, feerate or current_feerate(session), Ending.DISPUTE, role)
        return make_plan(session, order, view, role, by_escrow(fee), text=detail)
    except EscrowError as error:
        remark = f"The mediator's fee is not signed with it: {error.message}. It can be signed later: rein refund"
        return make_plan(session, order, view, role, {}, text=detail, remarks=[remark])


def commit(session: Session, plan: Plan, *, dry_run: bool = False) -> DocumentResult:
    """Sign the dispute and exactly this fee. It answers the acceptance, or else the last delivery, or else the offer.

    :raises OrderError: the dispute would not count.
    :raises EscrowError: see `sign_plan`.
    """
    order = plan.order
    disputed = order.acceptances[-1] if order.acceptances else order.delivery or require_open(order)
    texts = psbt_fields(sign_plan(session, plan))
    signed = sign_as(session, order, plan.role, _TYPES[plan.role], disputed.id, detail=plan.text, **texts)
    return write(session, signed, dry_run=dry_run)


def require_disputed(order: Order) -> None:
    """:raises OrderError: nobody disputes the job."""
    if not order.disputes or order.bid is None:
        raise OrderError(f"nobody disputes the job {order.job.document.job_id}")
