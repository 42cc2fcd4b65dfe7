"""Creating an identity: words, key file and enrollment, together or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.address import hash_of_identity
from rein.btc.bip84 import RECEIVING
from rein.btc.networks import NETWORKS, Network
from rein.chain.source import BlockRef
from rein.errors import ChainError, IdentityError, InputError
from rein.identity.keyfile import keep_key_file
from rein.identity.keyring import Keyring, open_secret
from rein.identity.sealing import check_passphrase
from rein.protocol.documents import Enrollment
from rein.protocol.signed import Signed, sign
from rein.protocol.sin import secure_identity_number
from rein.protocol.values import BasisPoints
from rein.store.identities import IdentityRow
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import know_wallet


@dataclass(frozen=True)
class NewIdentity:
    """What a person says of himself. `mediator_fee` is set for who is willing to mediate; `recovery_address` is one
    whose key is kept elsewhere; `pay_to` where a mediator is paid, by default at the own wallet's first address."""

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


def create_identity(
    session: Session, new: NewIdentity, words: str, passphrase: str
) -> tuple[IdentityRow, Signed[Enrollment]]:
    """Write the key file, then remember the identity with its enrollment.

    :param words: or anything else that a key file may hold (`rein.identity.keyring.open_secret`), with a master key.

    :raises PassphraseError: too short.
    :raises IdentityError: these words are an identity of this home already.
    """
    check_passphrase(passphrase)
    check_free(session, new.name)
    keyring = open_secret(words, session.network)
    check_new(session, keyring.master_address)
    signed = build_enrollment(new, keyring, block_for_enrollment(session))
    row = keep_identity(session, row_of(signed.document, new.name), signed, words, passphrase)
    know_wallet(session, row, keyring)
    return row, signed


def check_new(session: Session, master_address: str) -> None:
    """Refuse an identity that this home has already, on this network or another: whoever has the words of a test
    network somewhere careless would hold the keys to real money too.

    :raises IdentityError:
    """
    for network in NETWORKS:
        for row in session.store.identities.of_network(network):
            if hash_of_identity(row.master_address) != hash_of_identity(master_address):
                continue
            if network == session.network.name:
                raise IdentityError("these words are an identity of this home already")
            raise IdentityError(
                f"these words are the identity {row.name} of this home on {network} already",
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


def keep_identity(
    session: Session, row: IdentityRow, signed: Signed[Enrollment], words: str, passphrase: str
) -> IdentityRow:
    """Write the key file and remember the identity, both or neither.

    :raises PassphraseError: too short.
    :raises IdentityError: there is such a file with other keys, or it cannot be written.
    """
    path = session.home / row.key_file
    written = keep_key_file(path, words, passphrase)
    try:
        return session.store.identities.add(row, signed)
    except BaseException:
        if written:
            path.unlink()
        raise
