"""Creating an identity: recovery phrase, key file and enrollment, together or not at all."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rein.btc.address import hash_of_identity
from rein.btc.bip84 import RECEIVING
from rein.btc.networks import NETWORKS, Network
from rein.chain.source import BlockRef
from rein.errors import ChainError, IdentityError, InputError
from rein.identity.keyfile import keep_key_file
from rein.identity.keyring import Keyring, open_secret
from rein.identity.sealing import check_passphrase
from rein.protocol import fields
from rein.protocol.documents import Enrollment
from rein.protocol.signed import Signed, sign
from rein.protocol.sin import secure_identity_number
from rein.protocol.values import BasisPoints
from rein.store.tables.identities import IdentityRow
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import know_wallet


@dataclass(frozen=True)
class NewIdentity:
    """What people say of themselves. `mediator_fee` is set for who is willing to mediate; `recovery_address` is one
    whose key is kept elsewhere; `pay_to` where a mediator is paid, by default the first address of the own wallet."""

    name: str
    contact: str
    mediator_fee: BasisPoints | None
    recovery_address: str | None = None
    pay_to: str | None = None


def build_enrollment(new: NewIdentity, keyring: Keyring, block: BlockRef) -> Signed[Enrollment]:
    """The signed enrollment of these keys.

    :raises FieldError: a name or contact that cannot stand in a document.
    """
    return sign(draft_enrollment(new, keyring, block), keyring.master)


def draft_enrollment(new: NewIdentity, keyring: Keyring, block: BlockRef) -> Enrollment:
    """What is to be signed with the master key."""
    mediates = new.mediator_fee is not None
    return Enrollment(
        network=keyring.network,
        block_hash=block.hash,
        block_height=block.height,
        user=new.name,
        contact=new.contact,
        master_address=keyring.master_address,
        sin=secure_identity_number(keyring.master_address),
        delegate_address=keyring.delegate_address,
        willing_to_mediate=mediates,
        mediator_public_key=keyring.delegate.public_key if mediates else None,
        mediator_fee=new.mediator_fee,
        mediator_escrow_xpub=keyring.mediator_escrow_xpub if mediates else None,
        mediator_escrow_signature=keyring.mediator_escrow_signature() if mediates else None,
        mediator_payment_address=(new.pay_to or keyring.account.address(RECEIVING, 0)) if mediates else None,
        mediator_message_xpub=keyring.mediator_message_xpub if mediates else None,
        recovery_address=new.recovery_address,
    )


def block_for_enrollment(session: Session) -> BlockRef:
    """The block an enrollment names: a recent one, or the first of the chain where no chain source answers. An
    enrollment needs no date; whoever only wants to be found should not need a node for it."""
    try:
        return session.block_to_name()
    except ChainError as error:
        session.note(f"{error.message}; the enrollment names the first block instead.")
        return genesis(session.network)


def genesis(network: Network) -> BlockRef:
    """The first block of a network. Its time is not needed and is given as 0."""
    return BlockRef(network.genesis_hash, 0, 0)


def check_free(session: Session, name: str) -> None:
    """Refuse a name that this home already uses on this network.

    :raises InputError:
    """
    if any(row.name == name for row in session.store.identities.of_network(session.network.name)):
        raise InputError(f"this home has an identity called {name} on {session.network.name} already")


@dataclass(frozen=True)
class SetupPlan:
    """An identity that is about to be created: the enrollment that will be signed, and what its key file will hold."""

    name: str
    enrollment: Enrollment
    keyring: Keyring
    secret: str = field(repr=False)


@dataclass(frozen=True)
class SetupResult:
    """An identity of this home, and its enrollment."""

    home: Path
    row: IdentityRow
    signed: Signed[Enrollment]

    @property
    def key_file(self) -> Path:
        return self.home / self.row.key_file

    def json(self) -> dict[str, Any]:
        return {
            "name": self.row.name,
            "network": self.row.network,
            "master_address": self.row.master_address,
            "delegate_address": self.row.delegate_address,
            "sin": self.signed.document.sin,
            "document_id": self.signed.id,
            "key_file": str(self.key_file),
        }


def prepare(session: Session, new: NewIdentity, secret: str) -> SetupPlan:
    """Check all that can be wrong with a new identity, so that nothing a person writes down afterwards is void.

    :param secret: a recovery phrase, or anything else that a key file may hold (`rein.identity.keyring.open_secret`),
        with a master key.
    :raises InputError: the home has an identity of that name on this network.
    :raises IdentityError: these keys are an identity of this home already, or the home cannot be written.
    :raises FieldError: something that cannot stand in a document.
    """
    check_free(session, new.name)
    keyring = open_secret(secret, session.network)
    check_new(session, keyring.master_address)
    _ = keyring.master
    enrollment = draft_enrollment(new, keyring, block_for_enrollment(session))
    text_to_sign(enrollment)
    _check_writable(session.home)
    return SetupPlan(new.name, enrollment, keyring, secret)


def commit(session: Session, plan: SetupPlan, passphrase: str) -> SetupResult:
    """Sign exactly this enrollment, write the key file and store the identity: all of it or nothing.

    :raises PassphraseError: too short.
    :raises IdentityError: another key file is in the way, or it cannot be written.
    """
    check_passphrase(passphrase)
    check_free(session, plan.name)
    check_new(session, plan.keyring.master_address)
    signed = sign(plan.enrollment, plan.keyring.master)
    row = add_identity(session, row_of(signed.document, plan.name), signed, plan.secret, passphrase)
    know_wallet(session, row, plan.keyring)
    return SetupResult(session.home, row, signed)


def text_to_sign(enrollment: Enrollment) -> str:
    """The text of an enrollment, to the letter.

    :raises FieldError: a value that cannot stand in a document.
    """
    text = fields.write(Enrollment.TITLE, enrollment)
    fields.read(Enrollment, Enrollment.TITLE, text).check()
    return text


def _check_writable(home: Path) -> None:
    """Refuse a home that cannot be written, before anybody relies on it.

    :raises IdentityError:
    """
    there = next(each for each in (home / "keys", home, *home.parents) if each.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise IdentityError(f"the home {home} cannot be written", hint="Give another --home.")


def check_new(session: Session, master_address: str) -> None:
    """Refuse an identity that this home has already, on this network or another: whoever keeps the phrase of a test
    network carelessly would expose the keys to real money.

    :raises IdentityError:
    """
    for network in NETWORKS:
        for row in session.store.identities.of_network(network):
            if hash_of_identity(row.master_address) != hash_of_identity(master_address):
                continue
            if network == session.network.name:
                raise IdentityError("this recovery phrase is an identity of this home already")
            raise IdentityError(
                f"this recovery phrase is the identity {row.name} of this home on {network} already",
                hint="Create another recovery phrase.",
            )


def row_of(enrollment: Enrollment, name: str) -> IdentityRow:
    """How a home remembers an identity that enrolled so. The store gives it a number."""
    return IdentityRow(
        id=0,
        network=enrollment.network.name,
        name=name,
        contact=enrollment.contact,
        master_address=enrollment.master_address,
        delegate_address=enrollment.delegate_address,
        key_file=f"keys/{enrollment.network.name}-{enrollment.master_address}.json",
    )


def add_identity(
    session: Session, row: IdentityRow, signed: Signed[Enrollment], secret: str, passphrase: str
) -> IdentityRow:
    """Write the key file and remember the identity, both or neither.

    :raises PassphraseError: too short.
    :raises IdentityError: there is such a file with other keys, or it cannot be written.
    """
    path = session.home / row.key_file
    written = keep_key_file(path, secret, passphrase)
    try:
        return session.store.identities.add(row, signed)
    except BaseException:
        if written:
            path.unlink()
        raise
