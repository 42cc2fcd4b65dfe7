"""A new enrollment for an identity that has one: other contact, other terms as a mediator, another delegate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from rein.btc import message
from rein.btc.keys import PrivateKey
from rein.errors import BadSignatureError, IdentityError, InputError, NotFoundError
from rein.identity.keyring import Keyring
from rein.protocol.documents import Enrollment
from rein.protocol.documents.enrollment import succession_text
from rein.protocol.signed import Signed, sign
from rein.protocol.values import BasisPoints, Revocation
from rein.store.identities import IdentityRow
from rein.workflows.orders.feeds import load_enrollments, pull
from rein.workflows.orders.people import master_address_of
from rein.workflows.session import Session
from rein.workflows.wallet.payout import pay_at


@dataclass(frozen=True)
class Changes:
    """What is to be different; None leaves a thing as it is.

    `revoke`: the delegate of now is in wrong hands; `since` is the first block whose documents it no longer signs, by
    default the one that the new enrollment names. `pay_to`: the address at which a mediator is paid. `replaces`: the
    identity that this one takes the place of, which the recovery signature says; its master address or SIN.
    """

    contact: str | None = None
    mediates: bool | None = None
    mediator_fee: BasisPoints | None = None
    pay_to: str | None = None
    new_delegate: bool = False
    revoke: bool = False
    since: int | None = None
    replaces: str | None = None
    recovery_signature: str | None = None
    delegate: PrivateKey | None = field(default=None, repr=False)
    """The key of the new delegate, for an identity that has no words to make it from."""


def current_enrollment(session: Session) -> Signed[Enrollment]:
    """The enrollment of who acts that counts, after asking the servers for newer ones.

    :raises IdentityError: none is here.
    """
    pull(session)
    found = load_enrollments(session).current(session.network, session.address)
    if found is None:
        raise IdentityError("your enrollment is not here", hint="Fetch what is new.")
    return found


@dataclass(frozen=True)
class Draft:
    """An enrollment that the master key has yet to sign, and the keys it names."""

    document: Enrollment
    keyring: Keyring


def build_renewal(session: Session, changes: Changes) -> Signed[Enrollment]:
    """The enrollment that replaces the one that counts now, signed; raises as `draft_renewal` does.

    :raises IdentityError: the master key is elsewhere.
    """
    draft = draft_renewal(session, changes)
    return sign(draft.document, draft.keyring.master)


def draft_renewal(session: Session, changes: Changes) -> Draft:
    """The enrollment that would replace the one that counts now.

    :raises InputError: nothing would change, or a height above the block the enrollment names.
    :raises IdentityError: there are no words, and no key for a new delegate was given.
    """
    old = current_enrollment(session)
    keyring = session.keyring.with_delegate(old.document.delegate_address)
    block = session.block_to_name()
    values: dict[str, Any] = {"contact": changes.contact} if changes.contact is not None else {}
    if changes.new_delegate or changes.revoke:
        keyring = keyring.with_next_delegate(changes.delegate)
        values["delegate_address"] = keyring.delegate_address
    if changes.revoke:
        since = block.height if changes.since is None else changes.since
        if since > block.height:
            raise InputError(f"{since} is above the block that the enrollment names ({block.height})")
        new = Revocation(old.document.delegate_address, since)
        values["revoked"] = (*(old.document.revoked or ()), new)
    elif changes.delegate is not None and not changes.new_delegate:
        raise InputError("a delegate's key goes with a new delegate", hint="Give --new-delegate or --revoke-delegate.")
    elif changes.since is not None:
        raise InputError("a height goes with a revocation", hint="Give --revoke-delegate too.")
    if changes.replaces is not None:
        replaced = master_address_of(session, changes.replaces)
        check_succession(session, replaced, changes.recovery_signature or "")
        values |= {"replaces": replaced, "recovery_signature": changes.recovery_signature}
    fee = changes.mediator_fee or old.document.mediator_fee
    mediates = old.document.willing_to_mediate if changes.mediates is None else changes.mediates
    if changes.pay_to is not None and not mediates:
        raise InputError("only a mediator enrolls an address to be paid at", hint="Jobs and bids take --pay-to.")
    if mediates and fee is None:
        raise InputError("a mediator has a fee", hint="Give --fee.")
    values |= {
        "willing_to_mediate": mediates,
        "mediator_fee": fee if mediates else None,
        "mediator_public_key": keyring.delegate.public_key if mediates else None,
        "mediator_escrow_xpub": keyring.mediator_escrow_xpub if mediates else None,
        "mediator_escrow_signature": keyring.mediator_escrow_signature() if mediates else None,
        "mediator_payment_address": _paid_at(session, old.document, changes.pay_to) if mediates else None,
        "mediator_message_xpub": keyring.mediator_message_xpub if mediates else None,
    }
    if replace(old.document, **values) == old.document:
        raise InputError("nothing would change", hint="See what can be changed.")
    values |= {"recovery_address": None, "previous": old.id, "block_hash": block.hash, "block_height": block.height}
    return Draft(replace(old.document, **values), keyring)


def _paid_at(session: Session, old: Enrollment, pay_to: str | None) -> str:
    """Where the mediator is paid: where it is said now, else where it was, else in the own wallet."""
    return pay_to or old.mediator_payment_address or pay_at(session, None).address


def keep_renewal(session: Session, signed: Signed[Enrollment]) -> IdentityRow:
    """Remember it, and act by it from now on.

    :raises IdentityError: the one that it replaces was replaced meanwhile, so that two would stand beside each other.
    """
    document = signed.document
    row = replace(session.identity, contact=document.contact, delegate_address=document.delegate_address)
    with session.store.exclusive():
        current = load_enrollments(session, {session.address}).current(session.network, session.address)
        if current is not None and current.id not in (document.previous, signed.id):
            raise IdentityError("your enrollment was changed meanwhile by another rein", hint="Look, and try again.")
        session.store.identities.update(row, signed)
        session.store.requests.stored(signed.id)
    return row


def check_succession(session: Session, old: str, signature: str) -> None:
    """Refuse to replace an identity without the right signature.

    :raises NotFoundError: it is not known here, or named no recovery address.
    :raises BadSignatureError: this is not a signature of that address over `succession_text`.
    """
    pull(session)
    recovery = load_enrollments(session).recovery_address(session.network, old)
    if recovery is None:
        raise NotFoundError(f"no enrollment that is known here names one recovery address of {old}")
    text = succession_text(session.network, old, session.address)
    if not message.verify(recovery, text, signature):
        raise BadSignatureError(
            f"that is no signature of the recovery address {recovery}", hint=f"Sign this with it: {text}"
        )
