"""An identity whose master key never comes near this machine: as in 2016, the enrollment is signed elsewhere.

First the delegate key goes into a key file and the text to sign into a file; then the signed text is read back, checked
and kept. In between there is only a key file that no identity uses.
"""

from __future__ import annotations

from rein.btc.keys import PrivateKey
from rein.errors import AuthorityError, IdentityError, InputError
from rein.identity.keyfile import keep_key_file
from rein.identity.keyring import DelegateKeyring, Keyring
from rein.protocol import fields
from rein.protocol.armor import BEGIN, Armored
from rein.protocol.documents import Enrollment
from rein.protocol.fields import read
from rein.protocol.signed import Signed, verify
from rein.store.identities import IdentityRow
from rein.workflows.identity.enroll import (
    NewIdentity,
    block_for_enrollment,
    check_free,
    check_new,
    draft_enrollment,
    row_of,
)
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import know_wallet


def offline_keyring(session: Session, delegate_wif: str, master_address: str) -> DelegateKeyring:
    """The keys of somebody who has only the delegate's here.

    :raises KeyMaterialError: the WIF is none of this network, or uncompressed.
    """
    return DelegateKeyring(PrivateKey.from_wif(delegate_wif.strip(), session.network), session.network, master_address)


def begin_offline(session: Session, new: NewIdentity, keyring: DelegateKeyring, passphrase: str) -> str:
    """Keep the delegate key, and return the text that the master key must sign, to the letter.

    :raises FieldError: a name, contact or address that cannot stand in a document.
    :raises IdentityError: this identity is here already, or its setup was begun with another delegate.
    """
    check_free(session, new.name)
    check_new(session, keyring.master_address)
    enrollment = draft_enrollment(new, keyring, block_for_enrollment(session))
    text = fields.write(Enrollment.TITLE, enrollment)
    read(Enrollment, Enrollment.TITLE, text).check()
    keep_key_file(session.home / row_of(enrollment, new.name).key_file, keyring.to_secret(), passphrase)
    return text


def signed_elsewhere(text: str, signature: str | None) -> Signed[Enrollment]:
    """The signed enrollment: armored, or the text of `begin_offline` and a wallet's signature (base64).

    :raises ReinError: saying what is wrong with it.
    """
    if signature is None:
        if not text.startswith(BEGIN):
            raise InputError("the file holds the text alone", hint="Give what the wallet answers as --signature.")
        signed = verify(text)
    else:
        enrollment = read(Enrollment, Enrollment.TITLE, text.removesuffix("\n"))
        signed = verify(str(Armored(text.removesuffix("\n"), enrollment.master_address, signature.strip())))
    if not isinstance(signed.document, Enrollment):
        raise InputError("that is no enrollment of today's format")
    return signed


def finish_offline(session: Session, signed: Signed[Enrollment], keyring: Keyring) -> IdentityRow:
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
    return row


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
