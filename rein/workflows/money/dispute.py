"""Disputes: the creator or the worker calls the mediator; the mediator decides; one of the two takes the decision."""

from __future__ import annotations

from rein.btc.amounts import Sat
from rein.errors import EscrowError, InputError, OrderError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import sign_payout
from rein.escrow.proposals import Ending, award_split
from rein.protocol.documents import (
    AcceptResolution,
    Dispute,
    DisputeDelivery,
    DisputeOffer,
    DisputeResolution,
    Role,
)
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.escrows import Payment
from rein.workflows.money.payments import (
    Ready,
    by_escrow,
    current_feerate,
    plan,
    plan_fee,
    ready_payments,
    refuse_all,
    require_filled,
    role_of,
    see,
    sign_and_send,
)
from rein.workflows.money.plan import Plan, make_plan, require_unchanged, sign_plan
from rein.workflows.orders.job_keys import escrow_key
from rein.workflows.orders.load import open_orders, require_open, require_role, roles_in
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session

_DISPUTE_OF: dict[Role, type[Dispute]] = {Role.CREATOR: DisputeDelivery, Role.WORKER: DisputeOffer}


def orders_to_dispute(session: Session, role: Role) -> list[Order]:
    """Jobs of mine, in this role, that were offered and are not over."""
    return [order for order in open_orders(session) if role in roles_in(order, session.address)]


def orders_to_resolve(session: Session) -> list[Order]:
    """Disputed jobs of which I am the mediator."""
    return [
        order for order in open_orders(session) if order.disputes and Role.MEDIATOR in roles_in(order, session.address)
    ]


def orders_to_accept_resolution(session: Session) -> list[Order]:
    """Jobs of mine that the mediator has decided."""
    return [
        order
        for order in open_orders(session)
        if order.resolutions and roles_in(order, session.address) & {Role.CREATOR, Role.WORKER}
    ]


def plan_dispute(session: Session, order: Order, role: Role, feerate: int | None = None) -> Plan:
    """What a complaint carries: the mediator's fee, if that escrow holds it. Where it cannot be signed, the complaint
    goes without it and says why: nobody is kept from complaining.

    :raises OrderError: not this role, no offer, or the job is over.
    """
    require_open(order)
    require_role(order, session.address, role)
    seen = see(session, order)
    escrow = seen.funding.only(EscrowKind.FEE)
    if not escrow.outputs or escrow.id in seen.payments:
        return make_plan(session, order, seen, role, {})
    try:
        fee = plan_fee(seen, feerate or current_feerate(session), Ending.DISPUTE, role)
        return make_plan(session, order, seen, role, by_escrow(fee))
    except EscrowError as error:
        text = f"The mediator's fee is not signed with it: {error.message}. It can be signed later: rein refund"
        return make_plan(session, order, seen, role, {}, remarks=[text])


def build_dispute(session: Session, planned: Plan, detail: str) -> Signed[Dispute]:
    """The signed complaint. It answers the acceptance, or else the last delivery, or else the offer.

    :raises EscrowError: see `sign_plan`.
    """
    order = planned.order
    disputed = order.acceptances[-1] if order.acceptances else order.delivery or require_open(order)
    return sign_as(
        session,
        order,
        planned.role,
        _DISPUTE_OF[planned.role],
        disputed.id,
        detail=detail,
        **psbt_fields(sign_plan(session, planned)),
    )


def plan_resolution(
    session: Session, order: Order, worker_amount: Sat, creator_amount: Sat | None = None, feerate: int | None = None
) -> Plan:
    """Both payments of a decision: so much to the worker, the rest of the price to the creator.

    :param worker_amount: 0 to the price.
    :param creator_amount: the least the creator gets; the rest of the price if not given. What is left of the price is
        for the miner, where what the offer keeps is too little, and the creator's otherwise.
    :raises OrderError: not the mediator, or no dispute.
    :raises InputError: more than the price.
    :raises EscrowError: the escrows do not hold what was agreed.
    """
    require_open(order)
    require_role(order, session.address, Role.MEDIATOR)
    if not order.disputes or order.bid is None:
        raise OrderError(f"nobody disputes the job {order.job.document.job_id}")
    price = order.bid.document.amount
    back = Sat(max(0, price - worker_amount)) if creator_amount is None else creator_amount
    if worker_amount + back > price:
        raise InputError(f"{worker_amount + back:,} sat are more than the price of {price:,} sat")
    seen = see(session, order)
    require_filled(seen)
    rate = feerate or current_feerate(session)
    terms = seen.terms.only(EscrowKind.PRICE)
    payouts = by_escrow(
        plan(seen, terms.id, award_split(terms, worker_amount, back), rate, reserved=True),
        plan_fee(seen, rate, Ending.RESOLUTION, Role.MEDIATOR),
    )
    return make_plan(session, order, seen, Role.MEDIATOR, payouts, awarded=(worker_amount, back))


def build_resolution(session: Session, planned: Plan, resolution: str) -> Signed[DisputeResolution]:
    """The signed decision.

    :raises OrderError: it would contradict an earlier one.
    :raises EscrowError: see `sign_plan`.
    """
    texts = sign_plan(session, planned)
    return sign_as(
        session,
        planned.order,
        Role.MEDIATOR,
        DisputeResolution,
        planned.order.disputes[-1].id,
        worker_amount=planned.worker_amount,
        creator_amount=planned.creator_amount,
        resolution=resolution,
        **psbt_fields(texts),
    )


def prepare_resolution(session: Session, order: Order) -> list[Ready]:
    """The payments of the mediator's decision, held against the documents and the chain: both, or what of them is
    not paid yet. The decision the identity is to take is the last one.

    :raises OrderError: there is none, or it is carried out.
    :raises EscrowError: a payment is not as agreed.
    """
    role = role_of(session, order, Role.CREATOR, Role.WORKER)
    require_open(order)
    if not order.resolutions:
        raise OrderError(f"the mediator has not decided the job {order.job.document.job_id}")
    if set(order.resolutions) & set(order.conflict):
        raise OrderError(
            f"the mediator has decided the job {order.job.document.job_id} twice, and differently: neither counts",
            hint="Agree with the other: rein settle, or rein refund.",
        )
    seen = see(session, order)
    decided = {each.id for each in order.resolutions}
    proposals = [each for each in seen.proposals if each.ending is Ending.RESOLUTION and each.document.id in decided]
    ready, refused = ready_payments(order, seen, role, reversed(proposals))
    if any(each.payout.terms.kind is EscrowKind.PRICE for each in ready):
        return ready
    refuse_all([each for each in refused if each.proposal.terms.kind is EscrowKind.PRICE])
    raise OrderError(f"the decision on the job {order.job.document.job_id} is carried out already")


def build_accepted_resolution(session: Session, order: Order, ready: list[Ready]) -> Signed[AcceptResolution]:
    """The signed acceptance, with this person's signature on the payments of the decision that are still to be made.
    The mediator may have been paid already, by the payment in the complaint. Where sending them was interrupted, it is
    the acceptance that was signed then."""
    decided = next(each for each in ready if each.payout.terms.kind is EscrowKind.PRICE).proposal.document.id
    for each in order.accepted_resolutions:
        if each.document.master_address == session.address and each.document.previous == decided:
            return each
    role = ready[0].role
    require_unchanged(session, order, role, [each.payout for each in ready])
    key = escrow_key(session, order, role)
    texts = {each.escrow_id: sign_payout(each.payout, key).to_base64() for each in ready}
    return sign_as(
        session,
        order,
        role,
        AcceptResolution,
        decided,
        **psbt_fields(texts),
    )


def send_resolution(session: Session, ready: list[Ready]) -> list[Payment]:
    """Carry the decision out: complete its payments and give them to the network, the mediator's too."""
    return [sign_and_send(session, each) for each in ready]
