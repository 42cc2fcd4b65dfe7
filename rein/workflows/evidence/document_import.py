"""Keeping signed documents that somebody handed over, by whatever way: no server need have them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rein.errors import BadSignatureError, InputError
from rein.protocol.reading import armored_texts, damage_in, decode
from rein.protocol.signed import Signed
from rein.workflows.evidence.document_check import job_id_of, kind_of
from rein.workflows.orders.feeds import verified_here
from rein.workflows.session import Session

RECEIVED_FROM = "a file"
_ZIP = b"PK\x03\x04"


class ArchiveError(InputError):
    """A file that may be a case, and is not a text."""


@dataclass(frozen=True)
class Handed:
    """Documents that were handed over: those that are `new` here, and those that were here."""

    new: tuple[Signed[Any], ...]
    known: tuple[Signed[Any], ...]

    def json(self) -> dict[str, Any]:
        return {
            "documents": [
                {
                    "document_id": signed.id,
                    "kind": kind_of(signed.document).value,
                    "job_id": job_id_of(signed.document),
                    "new": signed in self.new,
                }
                for signed in (*self.new, *self.known)
            ]
        }


def prepare(session: Session, files: Iterable[tuple[str, bytes]]) -> Handed:
    """Check the documents in files, each as if a server had sent it.

    :param files: name, for people, and content of each; one may hold several documents.
    :raises InputError: there is none in one of them.
    :raises ReinError: one is not good, or of another network.
    """
    texts = [text for name, content in files for text in _texts_in(content, name)]
    signed = list({each.id: each for each in (_verified(session, text) for text in texts)}.values())
    known = session.store.documents.known([each.id for each in signed])
    return Handed(
        tuple(each for each in signed if each.id not in known), tuple(each for each in signed if each.id in known)
    )


def commit(session: Session, handed: Handed) -> Handed:
    """Keep all of them."""
    session.store.documents.add_received([(each, RECEIVED_FROM) for each in handed.new])
    return handed


def _texts_in(content: bytes, name: str) -> list[str]:
    if content.startswith(_ZIP):
        raise ArchiveError(f"{name} is an archive, not text")
    return armored_texts(decode(content, name), name)


def _verified(session: Session, text: str) -> Signed[Any]:
    try:
        return verified_here(session, text)
    except BadSignatureError as error:
        raise BadSignatureError(error.message, hint=damage_in(text) or error.hint) from error
