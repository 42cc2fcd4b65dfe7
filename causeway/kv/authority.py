"""Whether somebody may write for an owner, asked while the owner's buckets are locked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from causeway.accounts import service as accounts
from causeway.auth import service as auth
from causeway.errors import NonceUsedError, NotDelegateError, StorageExhaustedError, UnknownOwnerError
from causeway.kv.arrivals import Arrival


def check_authority(
    connection: Connection, rows: Sequence[Row[Any]], arrivals: Sequence[Arrival], *, owner: str, signer: str
) -> None:
    """Refuse a writer, given what a statement of `hosting.locked_rooms` with the columns nonce_is_spent and
    signer_is_enrolled found. Of the documents that arrive with the request, one may be the enrollment that proves the
    signer a delegate.

    :raises ApiError: StorageExhaustedError, UnknownOwnerError, NonceUsedError or NotDelegateError.
    """
    if not rows:
        if accounts.is_registered(connection, owner):
            raise StorageExhaustedError("Insufficient storage space.", hint="GET /request grants a bucket.")
        raise UnknownOwnerError("User not found", hint="GET /request registers an owner.")
    found = rows[0]
    if found.nonce_is_spent:
        raise nonce_used()
    if signer == owner or found.signer_is_enrolled or _is_proved(connection, arrivals, owner=owner, signer=signer):
        return
    raise NotDelegateError(
        f"{signer} may not write for {owner}",
        hint="Store the enrollment by which the owner names this delegate first, or sign as the owner.",
    )


def nonce_used() -> NonceUsedError:
    """The error for a request that was served before."""
    return NonceUsedError("This request has been served already; every answer to a write brings a fresh nonce.")


def _is_proved(connection: Connection, arrivals: Sequence[Arrival], *, owner: str, signer: str) -> bool:
    replaced = {arrival.description.previous for arrival in arrivals if auth.enrolled_master(arrival.signed) == owner}
    return any(
        arrival.signed.id not in replaced and auth.proves(connection, arrival.signed, owner=owner, signer=signer)
        for arrival in arrivals
    )
