"""A new enrollment for an identity that has one: other contact, other terms as a mediator, another delegate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rein.btc import message
from rein.btc.keys import PrivateKey
from rein.errors import BadSignatureError, IdentityError, InputError, NotFoundError
from rein.identity import unlocked
from rein.identity.keyfile import replace_key_file
from rein.identity.keyring import DelegateKeyring, Keyring
from rein.identity.sealing import Opener
from rein.protocol.documents import Enrollment
from rein.protocol.documents.enrollment import succession_text
from rein.protocol.signed import Signed, sign
from rein.protocol.values import BasisPoints, Revocation
from rein.workflows.identity.setup import text_to_sign
from rein.workflows.orders.feeds import load_enrollments, pull
from rein.workflows.orders.outbox import DocumentResult
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
    """The key of the new delegate, for an identity that has no recovery phrase to make it from."""


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
class EnrollPlan:
    """An enrollment that is about to replace the one that counts now, and the keys it names. `delegate`: the key of a
    new delegate, for a key file without a recovery phrase. `signed`: where it was signed elsewhere."""

    document: Enrollment
    keyring: Keyring
    delegate: PrivateKey | None = field(default=None, repr=False)
    signed: Signed[Enrollment] | None = None

    def revokes(self, address: str) -> bool:
        """Whether it revokes the delegate of this address."""
        return any(each.address == address for each in self.document.revoked or ())


@dataclass(frozen=True)
class EnrollResult(DocumentResult):
    """An enrollment that was signed, and stored unless it was a dry run."""

    def json(self) -> dict[str, Any]:
        return super().json() | {"delegate_address": self.signed.document.delegate_address}


def commit(session: Session, plan: EnrollPlan, opened: Opener, *, dry_run: bool = False) -> EnrollResult:
    """Sign exactly this enrollment, unless it is signed already; store it, and act by it from now on.

    :param opened: opens the key file, where a new delegate's key is added to it.
    :raises IdentityError: the master key is elsewhere; or the enrollment that this one replaces was replaced meanwhile.
    """
    signed = plan.signed or sign(plan.document, plan.keyring.master)
    if not dry_run:
        add_delegate(session, plan.delegate, opened)
        store_enrollment(session, signed)
    return EnrollResult(signed, stored=not dry_run)


def add_delegate(session: Session, delegate: PrivateKey | None, opened: Opener) -> None:
    """Add the key of a new delegate, if there is one, to the key file of who acts. It holds the others as before.

    :raises PassphraseError: it does not open the key file.
    """
    if delegate is None:
        return
    row, keyring = session.identity, session.keyring.with_next_delegate(delegate)
    assert isinstance(keyring, DelegateKeyring)  # noqa: S101 - no other takes a key
    opened(row.name, partial(replace_key_file, session.home / row.key_file, keyring.to_secret()))
    unlocked.lock(session.home, row.key_file)  # what is held unlocked lacks the new key


def prepare(session: Session, changes: Changes, *, offline: bool = False) -> EnrollPlan:
    """The enrollment that will replace the one that counts now, with everything checked.

    :param offline: it will be signed elsewhere, so that the master key is not needed here.
    :raises InputError: nothing would change, or a height above the block the enrollment names.
    :raises IdentityError: the master key is elsewhere; or there is no recovery phrase, and no key for a new delegate
        was given.
    :raises FieldError: a contact that cannot stand in a document.
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
    document = replace(old.document, **values)
    text_to_sign(document)
    if not offline:
        _ = keyring.master
    return EnrollPlan(document, keyring, changes.delegate)


def _paid_at(session: Session, old: Enrollment, pay_to: str | None) -> str:
    """Where the mediator is paid: where it is said now, else where it was, else in the own wallet."""
    return pay_to or old.mediator_payment_address or pay_at(session, None).address


def store_enrollment(session: Session, signed: Signed[Enrollment]) -> None:
    """Store it, and act by it from now on.

    :raises IdentityError: the one that it replaces was replaced meanwhile, so that two would count.
    """
    document = signed.document
    row = replace(session.identity, contact=document.contact, delegate_address=document.delegate_address)
    with session.store.exclusive():
        current = load_enrollments(session, {session.address}).current(session.network, session.address)
        if current is not None and current.id not in (document.previous, signed.id):
            raise IdentityError("your enrollment was changed meanwhile by another rein", hint="Try again.")
        session.store.identities.update(row, signed)
        session.store.requests.stored(signed.id)


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
            f"that is not a signature of the recovery address {recovery}", hint=f"Sign this with it: {text}"
        )
