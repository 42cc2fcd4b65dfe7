"""Messages between the parties of a job: writing, reading, and letting the mediator read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from rein.btc.keys import PrivateKey
from rein.errors import FieldError, InputError, NotFoundError, OrderError
from rein.protocol.documents import Bid, Disclosure, Message, Role, SealedDocument
from rein.protocol.job_keys import mediator_message_key
from rein.protocol.orders import Order
from rein.protocol.sealing import seal, shared_key, unseal
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.workflows.messages.disclosed import Disclosed
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.job_keys import job_keyring
from rein.workflows.orders.people import is_address_of
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6
UNSEALED = "AAAA"
"""Stands for the sealed text while the rest of its document is being bound to it."""


@dataclass(frozen=True)
class Party:
    """Somebody in a job, and the message key by which the job names him."""

    role: Role
    name: str
    address: str
    key: bytes


@dataclass(frozen=True)
class Read:
    """A sealed document of a job. `text` is None where the identity cannot read it, and `problem` says why. `remark` is
    what a mediator should know of what was disclosed."""

    signed: Signed[SealedDocument]
    sender: str
    receiver: str
    text: str | None
    problem: str | None
    remark: str | None = None


def receiver(session: Session, order: Order, role: Role, bid: str | None = None) -> Party:
    """The party one would write to.

    :param bid: which bidder, by the id of a bid or its beginning, or by master address or SIN; the worker of the job,
        or the only bidder, if not given.
    :raises OrderError: nobody has this role, or he takes no messages in this job.
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


def write_message(session: Session, order: Order, to: Party, text: str) -> Signed[Message]:
    """The signed message, sealed to one party.

    :raises OrderError: the identity has no part in the job, or takes no messages in it.
    :raises FieldError: the text is empty, too long, or cannot stand in a document.
    """
    return _write(session, order, to, text, Message)


def disclose(session: Session, order: Order, other: Party) -> Signed[Disclosure]:
    """The signed document that lets the mediator read what the identity and the other party wrote in this job.

    :raises OrderError: as `write_message`; or the mediator takes no messages.
    """
    role, mine = _myself(session, order)
    if role is Role.MEDIATOR:
        raise OrderError("you are the mediator of this job: the others disclose to you")
    key = shared_key(mine, other.key, order.id)
    mediator = receiver(session, order, Role.MEDIATOR)
    return _write(session, order, mediator, key.hex(), Disclosure, other_address=other.address, other_key=other.key)


def read_messages(session: Session, order: Order) -> list[Read]:
    """Every message of a job that was written to or by the identity, or that was disclosed to it; in reading order.
    Disclosures themselves are told without their keys."""
    _, mine = _myself(session, order)
    names = _names(order)
    disclosed = Disclosed(mine, order)
    found = []
    for signed in order.messages:
        document = signed.document
        who = [f"{names.get(each, each)} ({role.value})" for each, role in _ends(document)]
        if isinstance(document, Disclosure):
            about = names.get(document.other_address, document.other_address)
            text: str | None = f"disclosed the conversation with {about} to the mediator"
            problem, remark = None, disclosed.remark(signed)
        elif mine.public_key in (document.from_key, document.to_key):
            (text, problem), remark = _open(document, mine), None
        else:
            text, problem, remark = disclosed.read(signed)
        found.append(Read(signed, who[0], who[1], text, problem, remark))
    return found


def _ends(document: SealedDocument) -> tuple[tuple[str, Role], tuple[str, Role]]:
    return (document.master_address, document.role), (document.to_address, document.to_role)


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
        raise NotFoundError(f"the job {order.job.document.job_id} has no such bid here", hint="Look: rein status")
    if len({(each.document.worker_master_address, each.document.worker_message_key) for each in bids}) > 1:
        ids = ", ".join(each.id[:12] for each in bids)
        raise InputError("several people have bid on this job", hint=f"Name a bid with --bid: {ids}")
    return bids[0].document


def _myself(session: Session, order: Order) -> tuple[Role, PrivateKey]:
    """What the identity is in the order, and its message key there. Whoever has bid stays a worker here, even when
    the job went to somebody else: what he wrote and got stays his to read."""
    job, me = order.job.document, session.address
    if job.creator_master_address == me:
        return Role.CREATOR, job_keyring(session, order, Role.CREATOR).creator_message(job.job_id)
    if job.mediator_master_address == me:
        return Role.MEDIATOR, job_keyring(session, order, Role.MEDIATOR).mediator_message(order.id)
    bids: tuple[Signed[Any], ...] = (*order.bids, *order.sealed_bids)
    if any(each.document.author.master_address == me for each in bids):
        return Role.WORKER, job_keyring(session, order, Role.WORKER).worker_message(order.id)
    raise OrderError(f"you have no part in the job {job.job_id}", hint="Bid on it to write to the job creator.")


S = TypeVar("S", bound=SealedDocument)


def _write(session: Session, order: Order, to: Party, text: str, cls: type[S], **fields: Any) -> Signed[S]:
    role, mine = _myself(session, order)
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
    sealed = seal(shared_key(mine, to.key, order.id), text, about)
    return sign_answer(session, order, cls(**parameters, sealed=sealed))


def _last_said(order: Order) -> DocumentId:
    """The last message of the job, whoever wrote it, so that all are read in the order they were written; the offer
    or the job before there is one."""
    return order.messages[-1].id if order.messages else order.contract_id


def _names(order: Order) -> dict[str, str]:
    job = order.job.document
    names = {each.document.worker_master_address: each.document.worker for each in order.bids}
    return names | {job.creator_master_address: job.creator, job.mediator_master_address: job.mediator}


def _open(document: SealedDocument, mine: PrivateKey) -> tuple[str | None, str | None]:
    is_mine = document.from_key == mine.public_key
    key = shared_key(mine, document.to_key if is_mine else document.from_key, document.job_document)
    try:
        return unseal(key, document.sealed, document.associated_data()), None
    except FieldError as error:
        return None, error.message if is_mine else f"{error.message}: its sender cheats"
