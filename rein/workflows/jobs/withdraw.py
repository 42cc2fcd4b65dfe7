"""Taking back what was signed and not yet published. What any server was given may be known to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.errors import InputError, NotFoundError, OrderError
from rein.protocol.documents import Enrollment, SealedBid
from rein.protocol.signed import Signed
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6


@dataclass(frozen=True)
class Withdrawn:
    """A document that is not here any more."""

    signed: Signed[Any]

    def json(self) -> dict[str, Any]:
        return {"document_id": self.signed.id, "kind": self.signed.document.KIND.value, "withdrawn": True}


def withdrawable(session: Session) -> list[Signed[Any]]:
    """What can be withdrawn, the newest first."""
    return session.store.documents.unpublished(session.network.name, session.address)[::-1]


def prepare(session: Session, name: str) -> Signed[Any]:
    """The document of one's own that is to be withdrawn.

    :param name: its id, or the beginning of it.
    :raises NotFoundError: no document of the identity answers to that name.
    :raises InputError: several do.
    :raises OrderError: it is the enrollment everything else stands on, or was sent to a server.
    """
    documents, network = session.store.documents, session.network.name
    mine = documents.own_ids(network, session.address) if len(name) >= _SHORTEST_PREFIX else []
    named = [each for each in mine if each.startswith(name)]
    if not named:
        raise NotFoundError(f"no document {name!r} of yours is here")
    if len(named) > 1:
        raise InputError(f"several documents of yours begin with {name}", hint="Name more of it.")
    signed = documents.get(named[0])
    if signed is None:
        raise NotFoundError(f"the document {name!r} was withdrawn meanwhile")
    if isinstance(signed.document, Enrollment):
        raise OrderError("an enrollment is not withdrawn: everything you sign stands on it")
    if signed not in withdrawable(session):
        raise _sent()
    return signed


def commit(session: Session, signed: Signed[Any]) -> Withdrawn:
    """Remove a document, if no server was given it meanwhile.

    :raises OrderError: one was.
    """
    carried = signed.document.bid if isinstance(signed.document, SealedBid) else None
    if not session.store.documents.remove_unpublished(signed.id, carried):
        raise _sent()
    return Withdrawn(signed)


def _sent() -> OrderError:
    return OrderError(
        "this document was sent to a server, so others may have it already",
        hint="What it says can only be changed by agreement, with a settlement or a refund.",
    )
