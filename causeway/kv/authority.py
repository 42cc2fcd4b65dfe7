"""Whether somebody may write for an owner. Asked while the owner's buckets are locked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from causeway.accounts import service as accounts
from causeway.auth import service as auth
from causeway.auth.service import Proof, ProofStatus
from causeway.errors import NonceUsedError, NotDelegateError, StorageExhaustedError, UnknownOwnerError
from causeway.hosting.service import MORE_STORAGE, LockedBucket
from causeway.kv.incoming import IncomingDocument


def check_authority(
    connection: Connection,
    proof: Proof,
    buckets: Sequence[LockedBucket],
    status: ProofStatus,
    documents: Sequence[IncomingDocument],
) -> None:
    """Refuse a writer, given the owner's buckets. Of the documents that arrive with the request, one may be the
    enrollment that proves the signer a delegate.

    :raises ApiError: StorageExhaustedError, UnknownOwnerError, NonceUsedError or NotDelegateError.
    """
    owner, signer = proof.owner, proof.signer
    if not buckets:
        if accounts.is_registered(connection, owner):
            raise StorageExhaustedError("Insufficient storage space.", hint=f"There is no bucket. {MORE_STORAGE}")
        raise UnknownOwnerError("User not found", hint="GET /request registers an owner.")
    if status.nonce_is_spent:
        raise NonceUsedError("This request has been served already; every answer to a write brings a fresh nonce.")
    if signer == owner or status.signer_is_enrolled or _is_proved(connection, documents, owner=owner, signer=signer):
        return
    raise NotDelegateError(
        f"{signer} may not write for {owner}",
        hint="Store the enrollment by which the owner names this delegate first, or sign as the owner.",
    )


def _is_proved(connection: Connection, documents: Sequence[IncomingDocument], *, owner: str, signer: str) -> bool:
    replaced = {
        incoming.description.previous for incoming in documents if auth.enrolled_master(incoming.signed) == owner
    }
    return any(
        incoming.signed.id not in replaced and auth.proves(connection, incoming.signed, owner=owner, signer=signer)
        for incoming in documents
    )
