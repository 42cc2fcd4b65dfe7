"""Which keys an identity has in a job that it came into with an earlier delegate.

Words give the keys of all jobs, whatever the delegate. An identity without words has a tree of keys for each delegate
it had, and the documents of a job say which one counts there.
"""

from __future__ import annotations

from rein.btc.keys import PrivateKey
from rein.errors import OrderError
from rein.identity.keyring import Keyring
from rein.protocol.documents import Role
from rein.protocol.job_keys import parts_of
from rein.protocol.orders import Order
from rein.workflows.session import Session


def job_keyring(session: Session, order: Order, role: Role) -> Keyring:
    """The keys of this identity in a job; those of now where no document of the job names any that it has."""
    trees = list(session.keyring.trees())
    if len(trees) == 1:
        return trees[0]
    named = _named(order, role, session.address)
    if not named:
        return trees[0]
    return next((each for each in trees if escrow_key_in(each, order, role).public_key in named), trees[0])


def escrow_key_in(keyring: Keyring, order: Order, role: Role) -> PrivateKey:
    """The key that a tree of keys gives for the escrows of a job, in a role.

    :raises OrderError: the mediator's, before there is a contract.
    """
    if role is Role.WORKER:
        return keyring.worker_escrow(order.id)
    if role is Role.CREATOR:
        return keyring.creator_escrow(order.job.document.job_id)
    if order.bid is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts, so no mediator's key")
    return keyring.mediator_escrow(parts_of(order.bid.document))


def escrow_key(session: Session, order: Order, role: Role) -> PrivateKey:
    """The key with which this identity stands in the escrows of a job."""
    return escrow_key_in(job_keyring(session, order, role), order, role)


def _named(order: Order, role: Role, me: str) -> list[bytes]:
    """The keys in the escrow that documents name for somebody."""
    job = order.job.document
    if role is Role.CREATOR:
        return [job.creator_public_key]
    if role is Role.MEDIATOR:
        return [] if order.bid is None else [order.bid.document.mediator_public_key]
    if order.bid is not None and order.bid.document.worker_master_address == me:
        return [order.bid.document.worker_public_key]
    return [each.document.worker_public_key for each in order.bids if each.document.worker_master_address == me]
