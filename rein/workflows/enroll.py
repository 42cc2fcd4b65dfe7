"""Creating an identity: words, key file and enrollment, together or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.networks import Network
from rein.chain.source import BlockRef
from rein.errors import ChainError, IdentityError, InputError
from rein.identity.keyfile import check_passphrase, write_key_file
from rein.identity.keyring import Keyring
from rein.protocol.documents import Enrollment
from rein.protocol.signed import Signed, sign
from rein.protocol.sin import secure_identity_number
from rein.protocol.values import BasisPoints
from rein.store.store import IdentityRow
from rein.workflows.desk import Desk


@dataclass(frozen=True)
class NewIdentity:
    """What a person says of himself. `mediator_fee` is set for who is willing to mediate."""

    name: str
    contact: str
    mediator_fee: BasisPoints | None


def build_enrollment(new: NewIdentity, keyring: Keyring, block: BlockRef) -> Signed[Enrollment]:
    """The signed enrollment of these words.

    :raises FieldError: a name or contact that cannot stand in a document.
    """
    mediates = new.mediator_fee is not None
    enrollment = Enrollment(
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
        mediator_payment_xpub=keyring.mediator_payment_xpub if mediates else None,
        mediator_message_xpub=keyring.mediator_message_xpub if mediates else None,
    )
    return sign(enrollment, keyring.master)


def block_for_enrollment(desk: Desk) -> BlockRef:
    """The block an enrollment names: a recent one, or the first of the chain where no chain source answers. An
    enrollment needs no date; whoever only wants to be found should not need a node for it."""
    try:
        return desk.block_to_name()
    except ChainError as error:
        desk.note(f"{error.message}; the enrollment names the first block instead.")
        return genesis(desk.network)


def genesis(network: Network) -> BlockRef:
    """The first block of a network. Its time is not needed and is given as 0."""
    return BlockRef(network.genesis_hash, 0, 0)


def check_free(desk: Desk, name: str) -> None:
    """Refuse a name that this home already uses on this network.

    :raises InputError:
    """
    if any(row.name == name for row in desk.store.identities(desk.network.name)):
        raise InputError(f"this home has an identity called {name} on {desk.network.name} already")


def create_identity(
    desk: Desk, new: NewIdentity, words: str, passphrase: str
) -> tuple[IdentityRow, Signed[Enrollment]]:
    """Write the key file, then remember the identity with its enrollment.

    :raises PassphraseError: too short.
    :raises IdentityError: these words are an identity of this home already.
    """
    check_passphrase(passphrase)
    check_free(desk, new.name)
    keyring = Keyring(words, desk.network)
    if any(row.master_address == keyring.master_address for row in desk.store.identities(desk.network.name)):
        raise IdentityError("these words are an identity of this home already")
    signed = build_enrollment(new, keyring, block_for_enrollment(desk))
    row = IdentityRow(
        id=0,
        network=desk.network.name,
        name=new.name,
        contact=new.contact,
        master_address=keyring.master_address,
        delegate_address=keyring.delegate_address,
        key_file=f"keys/{desk.network.name}-{keyring.master_address}.json",
    )
    path = desk.home / row.key_file
    write_key_file(path, words, passphrase)
    try:
        return desk.store.add_identity(row, signed), signed
    except BaseException:
        path.unlink()
        raise
