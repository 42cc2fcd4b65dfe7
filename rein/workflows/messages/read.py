"""Reading the messages of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.btc.keys import PrivateKey
from rein.errors import FieldError
from rein.protocol.documents import Disclosure, Role, SealedDocument
from rein.protocol.orders import Order
from rein.protocol.sealing import shared_key, unseal
from rein.protocol.signed import Signed
from rein.workflows.messages.disclosed import Disclosed
from rein.workflows.messages.parties import myself, names_in
from rein.workflows.session import Session


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

    def json(self) -> dict[str, Any]:
        document = self.signed.document
        return {
            "document_id": self.signed.id,
            "kind": document.KIND.value,
            "from": document.master_address,
            "from_role": document.role.value,
            "to": document.to_address,
            "to_role": document.to_role.value,
            "block_height": document.block_height,
            "text": None if isinstance(document, Disclosure) else self.text,
            "problem": self.problem,
            "remark": self.remark,
        }


@dataclass(frozen=True)
class Conversations:
    """What was written in a job, in reading order."""

    order: Order
    messages: tuple[Read, ...]

    def json(self) -> dict[str, Any]:
        return {
            "job_id": self.order.job.document.job_id,
            "job_document": self.order.id,
            "messages": [each.json() for each in self.messages],
        }


def read_messages(session: Session, order: Order) -> Conversations:
    """Every message of a job that was written to or by the identity, or that was disclosed to it. Disclosures
    themselves are told without their keys.

    :raises OrderError: the identity has no part in the job.
    """
    _, mine = myself(session, order)
    names, disclosed = names_in(order), Disclosed(mine, order)
    return Conversations(order, tuple(_read(each, mine, names, disclosed) for each in order.messages))


def _read(signed: Signed[Any], mine: PrivateKey, names: dict[str, str], disclosed: Disclosed) -> Read:
    document = signed.document
    sender, receiver = (f"{names.get(each, each)} ({role.value})" for each, role in _ends(document))
    if isinstance(document, Disclosure):
        about = names.get(document.other_address, document.other_address)
        said = f"disclosed the conversation with {about} to the mediator"
        return Read(signed, sender, receiver, said, None, disclosed.remark(signed))
    if mine.public_key in (document.from_key, document.to_key):
        return Read(signed, sender, receiver, *_open(document, mine))
    return Read(signed, sender, receiver, *disclosed.read(signed))


def _ends(document: SealedDocument) -> tuple[tuple[str, Role], tuple[str, Role]]:
    return (document.master_address, document.role), (document.to_address, document.to_role)


def _open(document: SealedDocument, mine: PrivateKey) -> tuple[str | None, str | None]:
    is_mine = document.from_key == mine.public_key
    key = shared_key(mine, document.to_key if is_mine else document.from_key, document.job_document)
    try:
        return unseal(key, document.sealed, document.associated_data()), None
    except FieldError as error:
        return None, error.message if is_mine else f"{error.message}: its sender cheats"
