"""Proposing a settlement between creator and worker: how much of the price goes to whom."""

from __future__ import annotations

from rein.btc.amounts import Sat
from rein.btc.feerate import Feerate
from rein.errors import InputError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.proposals import Ending, award_split
from rein.protocol.documents import Role, Settlement
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.chain.view import chain_view_of
from rein.workflows.money.payouts import by_escrow, fee_payout, payout_of, role_of
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.orders.load import require_open
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate


def earlier_settlements(session: Session, order: Order) -> list[Signed[Settlement]]:
    """What the identity has proposed before: the other may still take it."""
    return [each for each in order.settlements if each.document.master_address == session.address]


def awarded(order: Order, worker_amount: Sat, creator_amount: Sat | None) -> tuple[Sat, Sat]:
    """What the worker gets of the price, and the creator at least.

    :param creator_amount: the rest of the price if not given.
    :raises InputError: more than the price.
    """
    price = order.bid.document.amount if order.bid else Sat(0)
    back = Sat(max(0, price - worker_amount)) if creator_amount is None else creator_amount
    if worker_amount + back > price:
        raise InputError(f"{worker_amount + back:,} sat are more than the price of {price:,} sat")
    return worker_amount, back


def prepare(
    session: Session,
    order: Order,
    worker_amount: Sat,
    creator_amount: Sat | None = None,
    *,
    terms: str,
    feerate: Feerate | None = None,
) -> Plan:
    """The payments of a settlement.

    :param creator_amount: the least the creator gets; the rest of the price if not given.
    :param terms: what is proposed, in words.
    :param feerate: sat/vB; the estimate if not given.
    :raises OrderError: neither the creator nor the worker, or the job is not open.
    :raises InputError: more than the price.
    :raises EscrowError: the escrows do not hold so much.
    """
    require_open(order)
    role = role_of(session, order, Role.CREATOR, Role.WORKER)
    split = awarded(order, worker_amount, creator_amount)
    view = chain_view_of(session, order)
    rate = feerate or current_feerate(session)
    price = view.terms.only(EscrowKind.PRICE)
    payouts = by_escrow(
        payout_of(view, price.id, award_split(price, *split), rate),
        fee_payout(view, rate, Ending.SETTLEMENT, role),
    )
    return make_plan(session, order, view, role, payouts, awarded=split, text=terms)


def commit(session: Session, plan: Plan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly these payments and the proposal that carries them.

    :raises OrderError: the proposal would not count.
    :raises EscrowError: see `sign_plan`.
    """
    signed = sign_as(
        session,
        plan.order,
        plan.role,
        Settlement,
        require_open(plan.order).id,
        worker_amount=plan.worker_amount,
        creator_amount=plan.creator_amount,
        terms=plan.text,
        **psbt_fields(sign_plan(session, plan)),
    )
    return write(session, signed, dry_run=dry_run)
