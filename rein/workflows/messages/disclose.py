"""Letting the mediator read what two parties wrote to each other."""

from __future__ import annotations

from dataclasses import dataclass

from rein.errors import OrderError
from rein.protocol.documents import Disclosure, Role
from rein.protocol.orders import Order
from rein.protocol.sealing import shared_key
from rein.workflows.messages.parties import Party, myself, receiver
from rein.workflows.messages.write import sealed_to
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import sign_answer
from rein.workflows.session import Session


@dataclass(frozen=True)
class DisclosurePlan:
    """A disclosure before it is signed. `other` is with whom the conversation was."""

    order: Order
    document: Disclosure
    other: Party


def prepare(session: Session, order: Order, bid: str | None = None) -> DisclosurePlan:
    """The document as it will be signed that lets the mediator read what the identity and the other party wrote in this
    job, before and after.

    :param bid: which bidder, as for `receiver`; for the job creator.
    :raises OrderError: the identity has no part in the job, or is its mediator; or the mediator takes no messages.
    """
    role, mine = myself(session, order)
    if role is Role.MEDIATOR:
        raise OrderError("you are the mediator of this job: the others disclose to you")
    other = receiver(session, order, Role.WORKER if role is Role.CREATOR else Role.CREATOR, bid)
    key = shared_key(mine, other.key, order.id)
    mediator = receiver(session, order, Role.MEDIATOR)
    about = {"other_address": other.address, "other_key": other.key}
    return DisclosurePlan(order, sealed_to(session, order, mediator, key.hex(), Disclosure, **about), other)


def commit(session: Session, plan: DisclosurePlan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly this disclosure and put it into the outbox.

    :raises OrderError: it would not count.
    """
    return write(session, sign_answer(session, plan.order, plan.document), dry_run=dry_run)
