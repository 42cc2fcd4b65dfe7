"""A new enrollment for an identity whose master key is elsewhere: written, signed there, read back and checked.

A new delegate's key goes into the key file first, beside those that are there; which of them acts is decided by the
enrollment that counts, so that stopping anywhere in between leaves the identity as it was.
"""

from __future__ import annotations

from rein.errors import AuthorityError, IdentityError, InputError
from rein.protocol.documents import Enrollment
from rein.protocol.signed import Signed
from rein.workflows.identity.enroll import EnrollPlan, check_succession, current_enrollment
from rein.workflows.identity.setup_offline import check_mediator_keys
from rein.workflows.session import Session


def prepare_signed(session: Session, signed: Signed[Enrollment]) -> EnrollPlan:
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
    return EnrollPlan(document, keyring, signed=signed)
