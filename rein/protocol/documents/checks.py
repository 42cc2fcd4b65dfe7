"""Checks that documents share: what their network demands of addresses and keys."""

from __future__ import annotations

from rein.btc.address import script_of_address
from rein.btc.hd import ExtendedKey
from rein.btc.networks import Network
from rein.errors import FieldError, ReinError

JOB_LEVELS = 4
"""Levels below an extended key at which the keys of jobs stand (`rein.protocol.job_keys`)."""


def check_identity_addresses(network: Network, **addresses: str) -> None:
    """Refuse an identity address whose version byte belongs to another network.

    :raises FieldError: naming the field.
    """
    for name, address in addresses.items():
        try:
            script_of_address(address, network)
        except ReinError as error:
            raise FieldError(f"{_spoken(name)}: {error.message}") from error


def check_payment_address(network: Network, name: str, address: str) -> None:
    """Refuse a payment address that is not bech32 of the document's network.

    :raises FieldError: naming the field.
    """
    if not address.startswith(network.hrp + "1"):
        raise FieldError(f"{name}: {address} is not a bech32 address of {network.name}")
    try:
        script_of_address(address, network)
    except ReinError as error:
        raise FieldError(f"{name}: {error.message}") from error


def check_message_key(name: str, key: bytes | None, escrow_key: bytes) -> None:
    """Refuse a key for messages that stands in an escrow too: an escrow key is used for nothing else.

    :raises FieldError: naming the field.
    """
    if key == escrow_key:
        raise FieldError(f"{name}: it is the key of an escrow, which is used for nothing else")


def check_extended_key(network: Network, name: str, text: str) -> None:
    """Refuse an extended key that is private, damaged, of another network or too deep to derive a job's key from.

    :raises FieldError: naming the field.
    """
    try:
        ExtendedKey.parse_public(text, network).derive((0,) * JOB_LEVELS)
    except ReinError as error:
        raise FieldError(f"{name}: {error.message}") from error


def _spoken(attribute: str) -> str:
    return attribute.replace("_", " ").capitalize()
