"""A new enrollment for an identity whose master key is elsewhere: written, signed there, read back and checked.

A new delegate's key goes into the key file first, beside those that are there; which of them acts is decided by the
enrollment that counts, so that stopping anywhere in between leaves the identity as it was.
"""

from __future__ import annotations

from functools import partial

from rein.btc.keys import PrivateKey
from rein.errors import AuthorityError, IdentityError, InputError
from rein.identity import unlocked
from rein.identity.keyfile import replace_key_file
from rein.identity.keyring import DelegateKeyring
from rein.identity.sealing import Opener
from rein.protocol import fields
from rein.protocol.documents import Enrollment
from rein.protocol.fields import read
from rein.protocol.signed import Signed
from rein.workflows.identity.enroll_offline import check_mediator_keys
from rein.workflows.identity.renew import Changes, Draft, check_succession, current_enrollment, draft_renewal
from rein.workflows.session import Session


def draft_offline(session: Session, changes: Changes) -> tuple[Draft, str]:
    """What is to be signed, and its text to the letter; raises as `draft_renewal` does.

    :raises FieldError: a contact that cannot stand in a document.
    """
    draft = draft_renewal(session, changes)
    text = fields.write(Enrollment.TITLE, draft.document)
    read(Enrollment, Enrollment.TITLE, text).check()
    return draft, text


def keep_delegate(session: Session, delegate: PrivateKey | None, opened: Opener) -> None:
    """Add the key of a new delegate, if there is one, to the key file of who acts. It holds the others as before.

    :raises PassphraseError: it does not open the key file.
    """
    if delegate is None:
        return
    row, keyring = session.identity, session.keyring.with_next_delegate(delegate)
    assert isinstance(keyring, DelegateKeyring)  # noqa: S101 - no other takes a key
    opened(row.name, partial(replace_key_file, session.home / row.key_file, keyring.to_secret()))
    unlocked.lock(session.home, row.key_file)  # what is kept at hand lacks the new key


def revokes_now(session: Session, signed: Signed[Enrollment]) -> bool:
    """Whether an enrollment revokes the delegate that acts here."""
    return any(each.address == session.identity.delegate_address for each in signed.document.revoked or ())


def check_renewal(session: Session, signed: Signed[Enrollment]) -> None:
    """Hold an enrollment that was signed elsewhere against what it replaces and what the key file gives.

    :raises AuthorityError: it is of another network or identity, or names keys that the key file does not give.
    :raises InputError: it does not replace the enrollment that counts now, or changes what cannot change.
    """
    document = signed.document
    if document.network != session.network:
        raise AuthorityError(f"the enrollment is for {document.network.name}, and this is {session.network.name}")
    if document.master_address != session.address:
        raise AuthorityError(f"the enrollment is that of {document.master_address}, and you are {session.address}")
    old = current_enrollment(session)
    if signed.id == old.id:
        raise InputError("this enrollment counts already", hint="Publish it.")
    if document.previous != old.id:
        raise InputError(
            "the enrollment does not replace the one that counts now",
            hint="Begin the enrollment again.",
        )
    if document.user != old.document.user:
        raise InputError("the enrollment has another name, and a name stays")
    if not set(old.document.revoked or ()) <= set(document.revoked or ()):
        raise InputError("the enrollment leaves out a delegate that was revoked")
    try:
        keyring = session.keyring.with_delegate(document.delegate_address)
    except IdentityError as error:
        raise AuthorityError(f"the key file does not belong to this enrollment: {error.message}") from error
    check_mediator_keys(document, keyring)
    if document.replaces is not None and document.replaces != old.document.replaces:
        check_succession(session, document.replaces, document.recovery_signature or "")
