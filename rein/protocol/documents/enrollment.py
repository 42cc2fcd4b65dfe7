"""Rein User Enrollment: an identity introduces itself and names the delegate that signs for it every day."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.hd import ExtendedKey
from rein.btc.networks import Network
from rein.errors import FieldError
from rein.protocol.documents.base import Author, Document, Kind
from rein.protocol.documents.checks import check_extended_key, check_identity_addresses, check_payment_address
from rein.protocol.fields import line
from rein.protocol.sin import secure_identity_number
from rein.protocol.values import (
    BOOLEAN,
    CONTACT,
    EXTENDED_KEY,
    FEE,
    IDENTITY_ADDRESS,
    NAME,
    PAYMENT_ADDRESS,
    PUBLIC_KEY,
    REVOCATIONS,
    SIGNATURE,
    SIN,
    BasisPoints,
    Revocation,
)


@dataclass(frozen=True, kw_only=True)
class Enrollment(Document):
    """Signed by the master key. `previous` names the enrollment that this one replaces, if any.

    A mediator also publishes an extended public key (BIP32), from which anyone derives the mediator's escrow key of any
    contract (`rein.protocol.job_keys`), signed by that very key over `possession_text`: nobody can publish another
    mediator's. Fees go to `mediator_payment_address`. A second extended key, for messages, may be left out. What
    `revoked` does to documents is in `rein.protocol.enrollments`.

    `recovery_address` is who may hand the identity on, should its master key be lost or stolen. It stands in the first
    enrollment only: whoever has the master key signs later ones. `recovery_signature` is by the recovery address of the
    identity that this one `replaces`, over `succession_text`; `rein.protocol.enrollments` verifies it.
    """

    TITLE = "Rein User Enrollment"
    KIND = Kind.ENROLLMENT

    user: str = line("User", NAME)
    contact: str = line("Contact", CONTACT)
    master_address: str = line("Master signing address", IDENTITY_ADDRESS)
    sin: str = line("Secure Identity Number", SIN)
    delegate_address: str = line("Delegate signing address", IDENTITY_ADDRESS)
    willing_to_mediate: bool = line("Willing to mediate", BOOLEAN)
    mediator_public_key: bytes | None = line("Mediator public key", PUBLIC_KEY, optional=True)
    mediator_fee: BasisPoints | None = line("Mediator fee", FEE, optional=True)
    mediator_escrow_xpub: str | None = line("Mediator escrow extended key", EXTENDED_KEY, optional=True)
    mediator_escrow_signature: str | None = line("Mediator escrow extended key signature", SIGNATURE, optional=True)
    mediator_payment_address: str | None = line("Mediator payment address", PAYMENT_ADDRESS, optional=True)
    mediator_message_xpub: str | None = line("Mediator message extended key", EXTENDED_KEY, optional=True)
    revoked: tuple[Revocation, ...] | None = line("Revoked delegate addresses", REVOCATIONS, optional=True)
    recovery_address: str | None = line("Recovery address", IDENTITY_ADDRESS, optional=True)
    replaces: str | None = line("Replaces identity", IDENTITY_ADDRESS, optional=True)
    recovery_signature: str | None = line("Recovery signature", SIGNATURE, optional=True)

    @property
    def author(self) -> Author:
        return Author(self.master_address, self.master_address)

    def check(self) -> None:
        check_identity_addresses(
            self.network, master_signing_address=self.master_address, delegate_signing_address=self.delegate_address
        )
        if self.sin != secure_identity_number(self.master_address):
            raise FieldError("the Secure Identity Number is not that of the master signing address")
        if self.master_address == self.delegate_address:
            raise FieldError("the delegate signing address is the master signing address; they must differ")
        self._check_revoked()
        self._check_succession()
        self._check_mediator()

    def _check_revoked(self) -> None:
        for each in self.revoked or ():
            check_identity_addresses(self.network, revoked_delegate_address=each.address)
            if each.address == self.delegate_address:
                raise FieldError("the delegate signing address is among the revoked ones")

    def _check_succession(self) -> None:
        if self.recovery_address is not None:
            check_identity_addresses(self.network, recovery_address=self.recovery_address)
            if self.previous is not None:
                raise FieldError(
                    "a recovery address stands in the first enrollment only, and this one replaces another"
                )
            if self.recovery_address in (self.master_address, self.delegate_address):
                raise FieldError("the recovery address is the master's or the delegate's; it is there for their loss")
        if (self.replaces is None) != (self.recovery_signature is None):
            raise FieldError("the identity that is replaced and the recovery signature stand together")
        if self.replaces is not None:
            check_identity_addresses(self.network, replaces_identity=self.replaces)
            if self.replaces == self.master_address:
                raise FieldError("an identity cannot replace itself")

    def _check_mediator(self) -> None:
        terms = (
            self.mediator_public_key,
            self.mediator_fee,
            self.mediator_escrow_xpub,
            self.mediator_escrow_signature,
            self.mediator_payment_address,
        )
        if any((term is not None) != self.willing_to_mediate for term in terms):
            raise FieldError(
                "a mediator's five fields (public key, fee, extended key and its signature, payment address) stand "
                "with the willingness to mediate, all or none"
            )
        if self.mediator_message_xpub is not None and not self.willing_to_mediate:
            raise FieldError("an extended key for a mediator's messages stands with the willingness to mediate only")
        public_key, _, escrow_xpub, signature, payment_address = terms
        if public_key is None or escrow_xpub is None or signature is None or payment_address is None:
            return
        if p2pkh_address(public_key, self.network) != self.delegate_address:
            raise FieldError("the mediator public key is not that of the delegate signing address")
        check_extended_key(self.network, "Mediator escrow extended key", escrow_xpub)
        proved_by = p2pkh_address(ExtendedKey.parse_public(escrow_xpub, self.network).public_key, self.network)
        if not message.verify(proved_by, possession_text(self.network, self.master_address, escrow_xpub), signature):
            raise FieldError("the mediator's escrow extended key is not signed by itself for this identity and network")
        check_payment_address(self.network, "Mediator payment address", payment_address)
        if self.mediator_message_xpub == escrow_xpub:
            raise FieldError("the mediator's extended key for messages is the one for escrows; each has one purpose")
        if self.mediator_message_xpub is not None:
            check_extended_key(self.network, "Mediator message extended key", self.mediator_message_xpub)


def succession_text(network: Network, old: str, new: str) -> str:
    """What a recovery key signs, as a Bitcoin message, to hand an identity on: both master addresses."""
    return f"Rein: {new} replaces {old} on {network.name}"


def possession_text(network: Network, master_address: str, escrow_xpub: str) -> str:
    """What a mediator's extended key for escrows signs with its own key, as a Bitcoin message: that it is this
    identity's."""
    return f"Rein: {master_address} mediates with {escrow_xpub} on {network.name}"
