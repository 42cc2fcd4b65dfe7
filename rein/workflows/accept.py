"""Accepting a delivery: the creator signs both payments."""

from __future__ import annotations

from rein.errors import EscrowError, OrderError
from rein.escrow.payout import sign_payout
from rein.escrow.terms import terms_of
from rein.protocol.documents import AcceptDelivery, Delivery, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed, sign
from rein.workflows.cases import my_orders, require_role, roles_in, with_document
from rein.workflows.desk import Desk
from rein.workflows.watch_chain import look_at


def orders_to_accept(desk: Desk) -> list[Order]:
    """Delivered jobs of mine."""
    return [
        order
        for order in my_orders(desk).orders
        if order.state is State.DELIVERED and Role.CREATOR in roles_in(order, desk.address)
    ]


def check_acceptable(desk: Desk, order: Order) -> Signed[Delivery]:
    """The delivery that can be accepted now.

    :raises OrderError: not the creator, or nothing to accept.
    """
    require_role(order, desk.address, Role.CREATOR)
    if order.state is not State.DELIVERED or order.delivery is None:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; there is no delivery to accept")
    return order.delivery


def build_acceptance(desk: Desk, order: Order) -> Signed[AcceptDelivery]:
    """The signed acceptance with both payments, each built from the documents and the outputs on the chain now.

    :raises OrderError: not the creator, or nothing to accept.
    :raises EscrowError: an escrow does not hold what was agreed.
    """
    delivery = check_acceptable(desk, order)
    terms = terms_of(order)
    seen = look_at(desk, order)
    if seen is None or not seen.funding.complete:
        raise EscrowError("the escrows do not hold what was agreed any more", hint="Look: rein fund")
    keyring, row, block = desk.keyring, desk.identity, desk.block_to_name()
    key = keyring.creator_escrow(order.job.document.job_id)
    psbts = []
    for purse, funding in zip(terms.purses, seen.funding.purses, strict=True):
        if funding.output is None:
            raise EscrowError(f"the {purse.escrow.purse.value} escrow is empty")
        psbts.append(sign_payout(purse, funding.output.outpoint, key).to_base64())
    accept = AcceptDelivery(
        network=desk.network,
        previous=delivery.id,
        block_hash=block.hash,
        block_height=block.height,
        job_name=order.job.document.name,
        job_id=order.job.document.job_id,
        job_document=order.id,
        primary_psbt=psbts[0],
        mediator_psbt=psbts[1],
        creator_delegate_address=row.delegate_address,
        creator_master_address=row.master_address,
    )
    signed = sign(accept, keyring.delegate)
    with_document(desk, order, signed)
    return signed
