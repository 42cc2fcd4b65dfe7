"""Where a job pays: at an address somebody names, at a fresh one of another wallet's key, or in one's own wallet.

Addresses are handed out so that a wallet which looks no further than twenty unpaid addresses (BIP44) finds them all:
where so many wait for their first payment, the one that was named longest ago is named once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from rein.btc.address import script_of_address
from rein.btc.bip84 import GAP, RECEIVING
from rein.btc.networks import Network
from rein.btc.receiving import ReceivingKey
from rein.errors import InputError, KeyMaterialError
from rein.store.tables.wallet import ELSEWHERE, WalletAddress
from rein.workflows.session import Session

OWN_WALLET = "wallet"
"""What a person writes for the wallet of the identity's own words."""

Destination = str | ReceivingKey
"""An address, or a key that gives one for each job."""


class Place(Enum):
    """Whose address it is, as far as is known here. The values are for programs."""

    OWN = "own wallet"
    KEY = "extended key"
    ADDRESS = "address"


@dataclass(frozen=True)
class PaidAt:
    """An address that a document is about to name, and why this one."""

    address: str
    place: Place

    @property
    def in_words(self) -> str:
        """For whoever is about to sign it."""
        reason = {
            Place.OWN: "in the wallet of this identity's words; see: rein wallet",
            Place.KEY: "an address of the key you named; only the wallet that has it can spend it",
            Place.ADDRESS: "the address you named; only the wallet that has it can spend it",
        }
        return f"You are paid at {self.address}: {reason[self.place]}."


def read_destination(text: str, network: Network) -> Destination:
    """An address, extended public key or descriptor.

    :raises InputError: it is not one that a document of this network may name: those are segwit addresses (bech32), and
        keys and descriptors of one key that give such.
    :raises KeyMaterialError: a private key, or one of another network or kind. It is not repeated.
    """
    text = text.strip()
    if "(" in text or len(text) > 100:
        return ReceivingKey.parse(text, network, taproot=True)
    address = text.lower() if text.isupper() else text
    script_of_address(address, network)
    if not address.startswith(f"{network.hrp}1"):
        raise InputError(
            f"{address} is an address from before segwit, which no document names",
            hint=f"Give one that begins with {network.hrp}1.",
        )
    return address


def in_words(destination: Destination) -> str:
    """What somebody who chooses a destination should compare with their wallet."""
    if isinstance(destination, str):
        return f"Every job pays to {destination}: whoever looks at the chain sees that they are one person's."
    return f"Each job pays to an address of its own; the first is {destination.address(0)}. Is it one of your wallet?"


def pay_at(session: Session, given: str | None) -> PaidAt:
    """The address for one new document: what was given with the command, else the setting, else the own wallet.

    :param given: an address, extended key or descriptor, or `OWN_WALLET`.
    :raises InputError, KeyMaterialError: as `read_destination`.
    """
    wanted = given if given is not None else session.payout
    if wanted is None or wanted == OWN_WALLET:
        account = session.keyring.account
        return PaidAt(fresh(session, account.id, RECEIVING, lambda n: account.address(RECEIVING, n)), Place.OWN)
    try:
        destination = read_destination(wanted, session.network)
    except (InputError, KeyMaterialError) as error:
        if given is not None:
            raise
        raise InputError(
            f"the setting payout cannot be used on {session.network.name}: {error.message}",
            hint="Change it with rein config payout, or name another for this once: --pay-to",
        ) from error
    if isinstance(destination, str):
        return PaidAt(destination, Place.ADDRESS)
    return PaidAt(fresh_elsewhere(session, destination), Place.KEY)


def first_address(session: Session, given: str | None) -> str | None:
    """The address that an identity to be made names, if it is not to be paid in its own wallet.

    :raises InputError, KeyMaterialError: as `read_destination`.
    """
    wanted = given if given is not None else session.payout
    if wanted is None or wanted == OWN_WALLET:
        return None
    destination = read_destination(wanted, session.network)
    return destination if isinstance(destination, str) else destination.address(0)


def fresh(session: Session, key_id: str, branch: int, derive: Callable[[int], str]) -> str:
    """An address of a branch that nothing else names, kept for whoever asks for a while.

    :param derive: the address at a number of the branch.
    """
    wallet, identity_id = session.store.wallet, session.identity.id
    extend(session, key_id, branch, derive, GAP)
    row = wallet.take(identity_id, key_id, branch, GAP, int(time.time()))
    if row is None:
        raise InputError("there is no address left to be paid at")
    if row.document_id is not None:
        session.note(
            f"{GAP} addresses in a row wait for their first payment, and wallets look no further: "
            "the address of an earlier job is named once more."
        )
    return row.address


def fresh_elsewhere(session: Session, key: ReceivingKey) -> str:
    """An address of somebody's other wallet that nothing names yet, as far as is known here."""
    return fresh(session, f"{ELSEWHERE}{key.id}", RECEIVING, key.address)


def extend(session: Session, key_id: str, branch: int, derive: Callable[[int], str], gap: int) -> bool:
    """Derive the addresses of a branch up to `gap` beyond the last one in use; whether any is new."""
    is_new = False
    while True:
        rows = [
            each
            for each in session.store.wallet.addresses(session.identity.id)
            if (each.key_id, each.branch) == (key_id, branch)
        ]
        last = max((each.number for each in rows if each.paid or each.document_id is not None), default=-1)
        missing = sorted(set(range(last + 1 + gap)) - {each.number for each in rows})
        if not missing:
            return is_new
        is_new = True
        new = [WalletAddress(key_id, branch, number, derive(number)) for number in missing]
        session.store.wallet.add_addresses(session.identity.id, new)
