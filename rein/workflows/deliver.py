"""Delivering what was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rein.errors import InputError, OrderError
from rein.protocol.documents import Delivery, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed, sign
from rein.workflows.case import attachment
from rein.workflows.cases import my_orders, require_role, roles_in, with_document
from rein.workflows.desk import Desk

_CAN_DELIVER = (State.FUNDED, State.DELIVERED)


def orders_to_deliver(desk: Desk) -> list[Order]:
    """Funded jobs on which I work."""
    return [
        order
        for order in my_orders(desk).orders
        if order.state in _CAN_DELIVER and Role.WORKER in roles_in(order, desk.address)
    ]


def named(files: Iterable[Path]) -> str:
    """Files as a delivery names them: a line each, by name, size and hash. They are handed over some other way.

    :raises InputError: one cannot be read, or has a name that would not stay on its line.
    """
    found = [attachment(path) for path in files]
    for each in found:
        if not each.name.isprintable():
            raise InputError(f"the file name {each.name!r} holds what cannot be shown", hint="Give it another name.")
    return "\n".join(f"file {each.name}, {each.size} bytes, sha256 {each.sha256}" for each in found)


def build_delivery(desk: Desk, order: Order, deliverables: str) -> Signed[Delivery]:
    """The signed delivery. Answers the offer, or replaces the delivery before it.

    :raises OrderError: not the worker, or the escrows are not funded.
    """
    require_role(order, desk.address, Role.WORKER)
    if order.state not in _CAN_DELIVER or order.offer is None:
        raise OrderError(
            f"the job {order.job.document.job_id} is {order.state.value}; deliver when both escrows are funded",
            hint="See what is missing: rein status --jobid " + order.job.document.job_id,
        )
    keyring, row, block = desk.keyring, desk.identity, desk.block_to_name()
    earlier = order.delivery
    delivery = Delivery(
        network=desk.network,
        previous=earlier.id if earlier else order.offer.id,
        block_hash=block.hash,
        block_height=block.height,
        job_name=order.job.document.name,
        job_id=order.job.document.job_id,
        job_document=order.id,
        deliverables=deliverables,
        worker_delegate_address=row.delegate_address,
        worker_master_address=row.master_address,
    )
    signed = sign(delivery, keyring.delegate)
    with_document(desk, order, signed)
    return signed
