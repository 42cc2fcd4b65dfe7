"""Delivering what was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rein.errors import InputError, OrderError
from rein.protocol.documents import Delivery, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.answer import belongs_to, sign_answer
from rein.workflows.case import attachment
from rein.workflows.cases import my_orders, require_role, roles_in
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
    row = desk.identity
    earlier = order.delivery
    delivery = Delivery(
        **belongs_to(desk, order, earlier.id if earlier else order.offer.id),
        deliverables=deliverables,
        worker_delegate_address=row.delegate_address,
        worker_master_address=row.master_address,
    )
    return sign_answer(desk, order, delivery)
