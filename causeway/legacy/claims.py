"""Signed legacy requests about money, each good once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from causeway.accounts import service as accounts
from causeway.auth.service import Proof
from causeway.errors import BadParameterError, RequestSignatureError
from causeway.legacy.texts import address_texts, balance_text
from causeway.payments import ledger
from causeway.payments.service import Payments, check_signer, spend
from causeway.services import services
from rein.btc import message
from rein.btc.hashes import sha256


@dataclass(frozen=True)
class Claim:
    """That `signer`, the owner or its delegate, signed the request. `nonce` is empty in the one legacy request that
    has none."""

    owner: str
    signer: str
    nonce: str
    signature: str


def balance_of(claim: Claim) -> int:
    """An owner's satoshis. Negative if a payment left the chain that was spent here already.

    :raises ApiError: the request is not the owner's, or has been served already.
    """
    _check(claim, balance_text(claim.owner, claim.nonce))

    def work(connection: Connection) -> int:
        _spend(connection, claim, "balance")
        return ledger.balance(connection, claim.owner)

    return services().database.write(work)


def deposit_address(payments: Payments, claim: Claim, contact: str, subnet: str | None) -> str:
    """An address that fills the owner's balance. The contact is the owner's own word, so it counts from now on; to
    change it once more takes a nonce.

    :raises ApiError: the request is not the owner's.
    """
    if not contact.isprintable():
        # Whatever else the owner has signed in many lines must not pass for a contact.
        raise BadParameterError("the contact is not one line of text")
    _check(claim, *address_texts(contact, claim.owner, claim.nonce), may_lack_nonce=True)

    def work(connection: Connection) -> str:
        accounts.register(connection, claim.owner, delegate=None, contact=contact)
        if claim.nonce:
            _spend(connection, claim, "address")
        else:
            check_signer(connection, claim.owner, claim.signer)
        accounts.sign_contact(connection, claim.owner, contact, fresh=bool(claim.nonce))
        return payments.deposit_address(connection, claim.owner, subnet)

    return services().database.write(work)


def _check(claim: Claim, *texts: str, may_lack_nonce: bool = False) -> None:
    """What can be checked without the database: the nonce, and that one of the texts is signed.

    :raises ApiError: NonceError or RequestSignatureError.
    """
    if claim.nonce or not may_lack_nonce:
        services().mint.check(claim.nonce, claim.owner)
    if not any(message.verify(claim.signer, text, claim.signature) for text in texts):
        raise RequestSignatureError("Incorrect signature", hint="docs/hosting.md says what is signed, and by whom.")


def _spend(connection: Connection, claim: Claim, what: str) -> None:
    """Use a checked claim, once: its nonce is spent for `what`. Locks the owner.

    :raises ApiError: UnknownOwnerError, NotDelegateError or NonceUsedError.
    """
    # No stored value has a key with a space in it, so what is spent here is no value's.
    digest = sha256(f"/{what} {claim.owner} {claim.nonce}".encode())
    spend(connection, Proof(claim.owner, claim.signer, claim.nonce, f"/{what} ", digest))
