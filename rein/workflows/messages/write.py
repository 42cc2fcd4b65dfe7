"""Writing a message that one other party of the job can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from rein.errors import InputError
from rein.protocol.documents import Message, SealedDocument
from rein.protocol.orders import Order
from rein.protocol.sealing import seal, shared_key
from rein.protocol.values import DocumentId
from rein.workflows.messages.parties import Party, myself
from rein.workflows.orders.outbox import DocumentResult
from rein.workflows.orders.outbox import write as write_document
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session

UNSEALED = "AAAA"
"""In place of the sealed text while the rest of its document is being bound to it."""

S = TypeVar("S", bound=SealedDocument)


@dataclass(frozen=True)
class MessagePlan:
    """A message, sealed, before it is signed."""

    order: Order
    document: Message


def prepare(session: Session, order: Order, to: Party, text: str) -> MessagePlan:
    """The message as it will be signed, sealed to one party.

    :raises OrderError: the identity has no part in the job.
    :raises InputError: it is a message to oneself.
    :raises FieldError: the text is empty, too long, or cannot stand in a document.
    """
    return MessagePlan(order, sealed_to(session, order, to, text, Message))


def commit(session: Session, plan: MessagePlan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly this message and put it into the outbox.

    :raises OrderError: it would not count.
    """
    return write_document(session, sign_answer(session, plan.order, plan.document), dry_run=dry_run)


def sealed_to(session: Session, order: Order, to: Party, text: str, cls: type[S], **fields: Any) -> S:
    """A document that one party can read. Errors are those of `prepare`."""
    role, mine = myself(session, order)
    row = session.identity
    if to.address == row.master_address:
        raise InputError("that is you")
    parameters: dict[str, Any] = {
        **belongs_to(session, order, _last_said(order)),
        "role": role,
        "delegate_address": row.delegate_address,
        "master_address": row.master_address,
        "to_role": to.role,
        "to_address": to.address,
        "from_key": mine.public_key,
        "to_key": to.key,
        **fields,
    }
    about = cls(**parameters, sealed=UNSEALED).associated_data()
    return cls(**parameters, sealed=seal(shared_key(mine, to.key, order.id), text, about))


def _last_said(order: Order) -> DocumentId:
    """The last message of the job, whoever wrote it, so that all are read in the order they were written; the offer
    or the job before there is one."""
    return order.messages[-1].id if order.messages else order.contract_id
