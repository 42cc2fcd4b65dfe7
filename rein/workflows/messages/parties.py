"""Who can write to whom in a job, and by which keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.btc.keys import PrivateKey
from rein.errors import InputError, NotFoundError, OrderError
from rein.protocol.documents import Bid, Role
from rein.protocol.job_keys import mediator_message_key
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.job_keys import job_keyring
from rein.workflows.orders.people import is_address_of
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6


@dataclass(frozen=True)
class Party:
    """Somebody in a job, and the message key by which the job names them."""

    role: Role
    name: str
    address: str
    key: bytes


def receiver(session: Session, order: Order, role: Role, bid: str | None = None) -> Party:
    """The party one would write to.

    :param bid: which bidder, by the id of a bid or its beginning, or by master address or SIN; the worker of the job,
        or the only bidder, if not given.
    :raises OrderError: nobody has this role, or they take no messages in this job.
    :raises InputError: several have bid.
    """
    job = order.job.document
    if role is Role.CREATOR:
        return _party(role, job.creator, job.creator_master_address, job.creator_message_key)
    if role is Role.MEDIATOR:
        enrollment = load_enrollments(session, {job.mediator_master_address}).by_id(job.mediator_enrollment)
        key = mediator_message_key(enrollment.document, order.id) if enrollment else None
        return _party(role, job.mediator, job.mediator_master_address, key)
    chosen = _bidder(order, bid)
    return _party(role, chosen.worker, chosen.worker_master_address, chosen.worker_message_key)


def myself(session: Session, order: Order) -> tuple[Role, PrivateKey]:
    """What the identity is in the order, and its message key there. Whoever has bid stays a worker here, even when
    the job went to somebody else: what they wrote and got stays theirs to read."""
    job, me = order.job.document, session.address
    if job.creator_master_address == me:
        return Role.CREATOR, job_keyring(session, order, Role.CREATOR).creator_message(job.job_id)
    if job.mediator_master_address == me:
        return Role.MEDIATOR, job_keyring(session, order, Role.MEDIATOR).mediator_message(order.id)
    bids: tuple[Signed[Any], ...] = (*order.bids, *order.sealed_bids)
    if any(each.document.author.master_address == me for each in bids):
        return Role.WORKER, job_keyring(session, order, Role.WORKER).worker_message(order.id)
    raise OrderError(f"you have no part in the job {job.job_id}", hint="Bid on it to write to the job creator.")


def names_in(order: Order) -> dict[str, str]:
    """What everybody in an order calls themselves, by master address."""
    job = order.job.document
    names = {each.document.worker_master_address: each.document.worker for each in order.bids}
    return names | {job.creator_master_address: job.creator, job.mediator_master_address: job.mediator}


def _party(role: Role, name: str, address: str, key: bytes | None) -> Party:
    if key is None:
        raise OrderError(f"the {role.value} {name} takes no messages in this job", hint="Use the contact instead.")
    return Party(role, name, address, key)


def _bidder(order: Order, name: str | None) -> Bid:
    bids = [each for each in order.bids if each.document.worker_message_key is not None] or list(order.bids)
    if name is not None:
        is_long = len(name) >= _SHORTEST_PREFIX
        bids = [
            each
            for each in bids
            if is_address_of(name, each.document.worker_master_address) or (is_long and each.id.startswith(name))
        ]
    elif order.bid is not None:
        bids = [order.bid]
    if not bids:
        raise NotFoundError(f"the job {order.job.document.job_id} has no such bid here")
    if len({(each.document.worker_master_address, each.document.worker_message_key) for each in bids}) > 1:
        ids = ", ".join(each.id[:12] for each in bids)
        raise InputError("several people have bid on this job", hint=f"Name a bid with --bid: {ids}")
    return bids[0].document
