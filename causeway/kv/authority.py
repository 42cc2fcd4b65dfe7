"""Whether somebody may write for an owner, asked while the owner's buckets are locked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from causeway.accounts import service as accounts
from causeway.auth import service as auth
from causeway.auth.service import Proof, Standing
from causeway.errors import NonceUsedError, NotDelegateError, StorageExhaustedError, UnknownOwnerError
from causeway.hosting.service import Room
from causeway.kv.incoming import Arrival


def check_authority(
    connection: Connection, proof: Proof, rooms: Sequence[Room], standing: Standing, arrivals: Sequence[Arrival]
) -> None:
    """Refuse a writer, given the owner's buckets. Of the documents that arrive with the request, one may be the
    enrollment that proves the signer a delegate.

    :raises ApiError: StorageExhaustedError, UnknownOwnerError, NonceUsedError or NotDelegateError.
    """
    owner, signer = proof.owner, proof.signer
    if not rooms:
        if accounts.is_registered(connection, owner):
            raise StorageExhaustedError("Insufficient storage space.", hint="GET /request grants a bucket.")
        raise UnknownOwnerError("User not found", hint="GET /request registers an owner.")
    if standing.nonce_is_spent:
        raise NonceUsedError("This request has been served already; every answer to a write brings a fresh nonce.")
    if signer == owner or standing.signer_is_enrolled or _is_proved(connection, arrivals, owner=owner, signer=signer):
        return
    raise NotDelegateError(
        f"{signer} may not write for {owner}",
        hint="Store the enrollment by which the owner names this delegate first, or sign as the owner.",
    )


def _is_proved(connection: Connection, arrivals: Sequence[Arrival], *, owner: str, signer: str) -> bool:
    replaced = {arrival.description.previous for arrival in arrivals if auth.enrolled_master(arrival.signed) == owner}
    return any(
        arrival.signed.id not in replaced and auth.proves(connection, arrival.signed, owner=owner, signer=signer)
        for arrival in arrivals
    )
