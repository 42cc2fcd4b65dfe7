"""Deciding a dispute, as the mediator: how much of the price the worker gets, and what the creator gets back."""

from __future__ import annotations

from rein.btc.amounts import Sat
from rein.btc.feerate import Feerate
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.proposals import Ending, award_split
from rein.protocol.documents import DisputeResolution, Role
from rein.protocol.orders import Order
from rein.workflows.chain.view import chain_view_of
from rein.workflows.money.dispute import require_disputed
from rein.workflows.money.payouts import by_escrow, fee_payout, payout_of, require_filled
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.money.settle import awarded
from rein.workflows.orders.load import open_orders, require_open, require_role, roles_in
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate


def orders_to_resolve(session: Session) -> list[Order]:
    """Disputed jobs of which I am the mediator."""
    return [
        order for order in open_orders(session) if order.disputes and Role.MEDIATOR in roles_in(order, session.address)
    ]


def prepare(
    session: Session,
    order: Order,
    worker_amount: Sat,
    creator_amount: Sat | None = None,
    *,
    resolution: str,
    feerate: Feerate | None = None,
) -> Plan:
    """The payments of a decision: so much to the worker, the rest of the price to the creator.

    :param worker_amount: 0 to the price.
    :param creator_amount: the least the creator gets; the rest of the price if not given. What is left of the price is
        for the miner, where what the offer keeps is too little, and the creator's otherwise.
    :param resolution: what is decided and why, in words.
    :param feerate: sat/vB; the estimate if not given.
    :raises OrderError: not the mediator, or no dispute.
    :raises InputError: more than the price.
    :raises EscrowError: the escrows do not hold what was agreed.
    """
    require_open(order)
    require_role(order, session.address, Role.MEDIATOR)
    require_disputed(order)
    split = awarded(order, worker_amount, creator_amount)
    view = chain_view_of(session, order)
    require_filled(view)
    rate = feerate or current_feerate(session)
    price = view.terms.only(EscrowKind.PRICE)
    payouts = by_escrow(
        payout_of(view, price.id, award_split(price, *split), rate, reserved=True),
        fee_payout(view, rate, Ending.RESOLUTION, Role.MEDIATOR),
    )
    return make_plan(session, order, view, Role.MEDIATOR, payouts, awarded=split, text=resolution)


def commit(session: Session, plan: Plan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly these payments and the decision that carries them.

    :raises OrderError: it would contradict an earlier one.
    :raises EscrowError: see `sign_plan`.
    """
    signed = sign_as(
        session,
        plan.order,
        Role.MEDIATOR,
        DisputeResolution,
        plan.order.disputes[-1].id,
        worker_amount=plan.worker_amount,
        creator_amount=plan.creator_amount,
        resolution=plan.text,
        **psbt_fields(sign_plan(session, plan)),
    )
    return write(session, signed, dry_run=dry_run)
