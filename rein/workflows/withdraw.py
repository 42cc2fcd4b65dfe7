"""Taking back what was signed and not yet published. What any server was given may be known to everybody."""

from __future__ import annotations

from typing import Any

from rein.errors import InputError, NotFoundError, OrderError
from rein.protocol.documents import Enrollment
from rein.protocol.signed import Signed
from rein.workflows.desk import Desk

_SHORTEST_PREFIX = 6


def withdraw_document(desk: Desk, name: str) -> Signed[Any]:
    """Remove a document of one's own that no server was ever given.

    :param name: its id, or the beginning of it.
    :raises NotFoundError: no document of the identity answers to that name.
    :raises InputError: several do.
    :raises OrderError: it was sent to a server, or it is the enrollment everything else stands on.
    """
    mine = desk.store.own_documents(desk.network.name, desk.address) if len(name) >= _SHORTEST_PREFIX else []
    found = [signed for signed in mine if signed.id.startswith(name)]
    if not found:
        raise NotFoundError(f"no document {name!r} of yours is here", hint="See them: rein status --jobid")
    if len(found) > 1:
        raise InputError(f"several documents of yours begin with {name}", hint="Name more of it.")
    [signed] = found
    if isinstance(signed.document, Enrollment):
        raise OrderError("an enrollment is not withdrawn: everything you sign stands on it")
    if not desk.store.remove_unpublished(signed.id):
        raise OrderError(
            "this document was sent to a server, so others may have it already",
            hint="What it says can only be changed by agreement: rein settle, rein refund.",
        )
    return signed
