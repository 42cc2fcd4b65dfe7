"""An identity whose master key never comes near this machine: as in 2016, the enrollment is signed elsewhere.

First the delegate key goes into a key file and the text to sign into a file; then the signed text is read back, checked
and kept. In between there is only a key file that no identity uses.
"""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.address import is_identity_address
from rein.errors import ArmorError, AuthorityError, BadSignatureError, FieldError, IdentityError, InputError
from rein.identity.keyfile import keep_key_file
from rein.identity.keyring import DelegateKeyring, Keyring
from rein.protocol.armor import BEGIN, Armored
from rein.protocol.documents import Enrollment
from rein.protocol.documents.checks import check_identity_addresses
from rein.protocol.fields import read
from rein.protocol.reading import armored_text, bare_text, damage_in, decode, read_signature
from rein.protocol.signed import Signed, verify
from rein.workflows.identity.setup import (
    NewIdentity,
    SetupResult,
    block_for_enrollment,
    check_free,
    check_new,
    draft_enrollment,
    row_of,
    text_to_sign,
)
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import know_wallet


def check_master_address(session: Session, text: str) -> str:
    """The address of a master key that is elsewhere, as it was typed.

    :raises FieldError: not a P2PKH address of this network.
    """
    address = text.strip()
    if not is_identity_address(address):
        raise FieldError(f"{address[:40]!r} is not a P2PKH address")
    check_identity_addresses(session.network, master_address=address)
    return address


@dataclass(frozen=True)
class ToSign:
    """A text that the master key must sign, to the letter, and the keys it names."""

    text: str
    keyring: Keyring

    def json(self) -> dict[str, str]:
        return {
            "text": self.text,
            "master_address": self.keyring.master_address,
            "delegate_address": self.keyring.delegate_address,
        }


def prepare_offline(session: Session, new: NewIdentity, keyring: DelegateKeyring) -> ToSign:
    """The text of the enrollment; nothing is written.

    :raises FieldError: a name, contact or address that cannot stand in a document.
    :raises IdentityError: this identity is here already.
    """
    check_free(session, new.name)
    check_new(session, keyring.master_address)
    return ToSign(text_to_sign(draft_enrollment(new, keyring, block_for_enrollment(session))), keyring)


def begin_offline(session: Session, plan: ToSign, passphrase: str) -> None:
    """Keep the delegate key of a text that is about to be signed elsewhere.

    :raises IdentityError: its setup was begun with another delegate.
    """
    assert isinstance(plan.keyring, DelegateKeyring)  # noqa: S101 - as it was prepared
    enrollment = read(Enrollment, Enrollment.TITLE, plan.text)
    keep_key_file(session.home / row_of(enrollment, enrollment.user).key_file, plan.keyring.to_secret(), passphrase)


def signed_elsewhere(content: bytes, name: str, signature: str | None) -> Signed[Enrollment]:
    """The signed enrollment: armored, or the text of `prepare_offline` and a wallet's signature (base64).

    :param content: of a file of this name.
    :raises ReinError: saying what is wrong with it.
    """
    given = decode(content, name)
    if signature is None:
        if BEGIN not in given:
            raise InputError(f"{name} holds the text alone", hint="Give what the wallet answers as --signature.")
        armored = armored_text(given, name)
    else:
        text = bare_text(given)
        enrollment = read(Enrollment, Enrollment.TITLE, text)
        try:
            armored = str(Armored(text, enrollment.master_address, read_signature(signature)))
        except ArmorError as error:
            raise BadSignatureError(error.message, hint=error.hint) from error
    try:
        signed = verify(armored)
    except BadSignatureError as error:
        raise BadSignatureError(error.message, hint=damage_in(armored) or error.hint) from error
    if not isinstance(signed.document, Enrollment):
        raise InputError(f"{name} holds no enrollment of today's format")
    return signed


def finish_offline(session: Session, signed: Signed[Enrollment], keyring: Keyring) -> SetupResult:
    """Keep an identity whose setup was begun here.

    :raises AuthorityError: the enrollment is of another network, or names what the key file does not give.
    """
    document = signed.document
    check_free(session, document.user)
    check_new(session, document.master_address)
    if document.network != session.network:
        raise AuthorityError(f"the enrollment is for {document.network.name}, and this is {session.network.name}")
    try:
        if keyring.master_address != document.master_address:
            raise IdentityError("it is of another identity")
        keyring = keyring.with_delegate(document.delegate_address)
    except IdentityError as error:
        raise AuthorityError(f"the key file does not belong to this enrollment: {error.message}") from error
    check_mediator_keys(document, keyring)
    row = session.store.identities.add(row_of(document, document.user), signed)
    know_wallet(session, row, keyring)
    return SetupResult(session.home, row, signed)


def check_mediator_keys(document: Enrollment, keyring: Keyring) -> None:
    """Refuse an enrollment that promises a mediator's keys which are not here.

    :raises AuthorityError:
    """
    if not document.willing_to_mediate:
        return
    messages = document.mediator_message_xpub
    if document.mediator_escrow_xpub != keyring.mediator_escrow_xpub or (
        messages not in (None, keyring.mediator_message_xpub)
    ):
        raise AuthorityError("the enrollment promises a mediator's keys that the key file does not give")
