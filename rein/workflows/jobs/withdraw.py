"""Taking back what was signed and not yet published. What any server was given may be known to everybody."""

from __future__ import annotations

from typing import Any

from rein.errors import InputError, NotFoundError, OrderError
from rein.protocol.documents import Enrollment, SealedBid
from rein.protocol.signed import Signed
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6


def withdraw_document(session: Session, name: str) -> Signed[Any]:
    """Remove a document of one's own that no server was ever given.

    :param name: its id, or the beginning of it.
    :raises NotFoundError: no document of the identity answers to that name.
    :raises InputError: several do.
    :raises OrderError: it was sent to a server, or it is the enrollment everything else stands on.
    """
    mine = (
        session.store.documents.own_ids(session.network.name, session.address) if len(name) >= _SHORTEST_PREFIX else []
    )
    named = [each for each in mine if each.startswith(name)]
    if not named:
        raise NotFoundError(f"no document {name!r} of yours is here", hint="See them: rein status --jobid")
    if len(named) > 1:
        raise InputError(f"several documents of yours begin with {name}", hint="Name more of it.")
    signed = session.store.documents.get(named[0])
    if signed is None:
        raise NotFoundError(f"the document {name!r} was withdrawn meanwhile")
    if isinstance(signed.document, Enrollment):
        raise OrderError("an enrollment is not withdrawn: everything you sign stands on it")
    carried = signed.document.bid if isinstance(signed.document, SealedBid) else None
    if not session.store.documents.remove_unpublished(signed.id, carried):
        raise OrderError(
            "this document was sent to a server, so others may have it already",
            hint="What it says can only be changed by agreement: rein settle, rein refund.",
        )
    return signed
