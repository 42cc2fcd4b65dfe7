"""Disputes: the creator or the worker calls the mediator; the mediator decides; one of the two takes the decision."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.errors import InputError, OrderError
from rein.escrow.contract import Purse
from rein.escrow.payout import Payout, Split
from rein.escrow.proposals import Ending
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
from rein.store.store import Payment
from rein.workflows.answer import sign_as
from rein.workflows.cases import open_orders, require_open, require_role, roles_in
from rein.workflows.desk import Desk
from rein.workflows.payments import (
    Ready,
    current_feerate,
    plan,
    plan_fee,
    ready_payments,
    refuse_all,
    require_filled,
    role_of,
    see,
    sign_and_send,
    signed_text,
)

_DISPUTE_OF: dict[Role, type[Dispute]] = {Role.CREATOR: DisputeDelivery, Role.WORKER: DisputeOffer}


def orders_to_dispute(desk: Desk, role: Role) -> list[Order]:
    """Jobs of mine, in this role, that were offered and are not over."""
    return [order for order in open_orders(desk) if role in roles_in(order, desk.address)]


def orders_to_resolve(desk: Desk) -> list[Order]:
    """Disputed jobs of which I am the mediator."""
    return [order for order in open_orders(desk) if order.disputes and Role.MEDIATOR in roles_in(order, desk.address)]


def orders_to_accept_resolution(desk: Desk) -> list[Order]:
    """Jobs of mine that the mediator has decided."""
    return [
        order
        for order in open_orders(desk)
        if order.resolutions and roles_in(order, desk.address) & {Role.CREATOR, Role.WORKER}
    ]


def build_dispute(desk: Desk, order: Order, role: Role, detail: str, feerate: int | None = None) -> Signed[Dispute]:
    """The signed complaint. It answers the acceptance, or else the last delivery, or else the offer; and it carries
    the mediator's fee, signed, if that escrow holds it.

    :raises OrderError: not this role, no offer, or the job is over.
    """
    offer = require_open(order)
    require_role(order, desk.address, role)
    seen = see(desk, order)
    fee = None
    if seen.funding.mediator.complete and Purse.MEDIATOR not in seen.payments:
        fee = plan_fee(seen, feerate or current_feerate(desk), Ending.DISPUTE, role)
    disputed = order.acceptances[-1] if order.acceptances else order.delivery or offer
    return sign_as(
        desk,
        order,
        role,
        _DISPUTE_OF[role],
        disputed.id,
        detail=detail,
        mediator_psbt=None if fee is None else signed_text(desk, order, role, fee),
    )


@dataclass(frozen=True)
class Decision:
    """What the mediator is about to sign."""

    worker_amount: Sat
    creator_amount: Sat
    primary: Payout
    mediator: Payout


def plan_resolution(desk: Desk, order: Order, worker_amount: Sat, feerate: int | None = None) -> Decision:
    """Both payments of a decision: so much to the worker, the rest of the price to the creator.

    :param worker_amount: 0 to the price.
    :raises OrderError: not the mediator, or no dispute.
    :raises InputError: more than the price.
    :raises EscrowError: the escrows do not hold what was agreed.
    """
    require_open(order)
    require_role(order, desk.address, Role.MEDIATOR)
    if not order.disputes or order.bid is None:
        raise OrderError(f"nobody disputes the job {order.job.document.job_id}")
    price = order.bid.document.amount
    if worker_amount > price:
        raise InputError(f"{worker_amount:,} sat are more than the price of {price:,} sat")
    creator_amount = Sat(price - worker_amount)
    seen = see(desk, order)
    require_filled(seen)
    rate = feerate or current_feerate(desk)
    return Decision(
        worker_amount,
        creator_amount,
        plan(seen, Purse.PRIMARY, Split(worker_amount, creator_amount), rate, reserved=True),
        plan_fee(seen, rate, Ending.RESOLUTION, Role.MEDIATOR),
    )


def build_resolution(desk: Desk, order: Order, decision: Decision, resolution: str) -> Signed[DisputeResolution]:
    """The signed decision.

    :raises OrderError: it would contradict an earlier one.
    """
    return sign_as(
        desk,
        order,
        Role.MEDIATOR,
        DisputeResolution,
        order.disputes[-1].id,
        worker_amount=decision.worker_amount,
        creator_amount=decision.creator_amount,
        resolution=resolution,
        primary_psbt=signed_text(desk, order, Role.MEDIATOR, decision.primary),
        mediator_psbt=signed_text(desk, order, Role.MEDIATOR, decision.mediator),
    )


def prepare_resolution(desk: Desk, order: Order) -> list[Ready]:
    """The payments of the mediator's decision, held against the documents and the chain: both, or what of them is
    not paid yet. The decision the identity is to take is the last one.

    :raises OrderError: there is none, or it is carried out.
    :raises EscrowError: a payment is not as agreed.
    """
    role = role_of(desk, order, Role.CREATOR, Role.WORKER)
    require_open(order)
    if not order.resolutions:
        raise OrderError(f"the mediator has not decided the job {order.job.document.job_id}")
    if set(order.resolutions) & set(order.conflict):
        raise OrderError(
            f"the mediator has decided the job {order.job.document.job_id} twice, and differently: neither counts",
            hint="Agree with the other: rein settle, or rein refund.",
        )
    seen = see(desk, order)
    decided = {each.id for each in order.resolutions}
    proposals = [each for each in seen.proposals if each.ending is Ending.RESOLUTION and each.document.id in decided]
    ready, refused = ready_payments(order, seen, role, reversed(proposals))
    if Purse.PRIMARY in {each.purse for each in ready}:
        return ready
    refuse_all([each for each in refused if each.proposal.purse.escrow.purse is Purse.PRIMARY])
    raise OrderError(f"the decision on the job {order.job.document.job_id} is carried out already")


def build_accepted_resolution(desk: Desk, order: Order, ready: list[Ready]) -> Signed[AcceptResolution]:
    """The signed acceptance, with this person's signature on the payments of the decision that are still to be made.
    The mediator may have been paid already, by the payment in the complaint. Where sending them was interrupted, it is
    the acceptance that was signed then."""
    decided = next(each for each in ready if each.purse is Purse.PRIMARY).proposal.document.id
    for each in order.accepted_resolutions:
        if each.document.master_address == desk.address and each.document.previous == decided:
            return each
    texts = {each.purse: signed_text(desk, order, each.role, each.payout) for each in ready}
    return sign_as(
        desk,
        order,
        ready[0].role,
        AcceptResolution,
        decided,
        primary_psbt=texts[Purse.PRIMARY],
        mediator_psbt=texts.get(Purse.MEDIATOR),
    )


def send_resolution(desk: Desk, ready: list[Ready]) -> list[Payment]:
    """Carry the decision out: complete its payments and give them to the network, the mediator's too."""
    return [sign_and_send(desk, each) for each in ready]
