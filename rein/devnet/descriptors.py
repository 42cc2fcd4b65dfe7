"""The two output descriptors that need no keys: addr() and raw() (BIP385)."""

from __future__ import annotations

import re
from typing import Final

from rein.btc.address import address_of_script, script_of_address
from rein.btc.descriptor import with_checksum
from rein.btc.networks import REGTEST
from rein.errors import InputError

_FUNCTION: Final = re.compile(r"(addr|raw)\(([^()]*)\)")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")


def describe(script: bytes) -> str:
    """The descriptor of a script nothing more is known about: its address if it has one, else its bytes."""
    try:
        return with_checksum(f"addr({address_of_script(script, REGTEST)})")
    except InputError:
        bare = f"raw({script.hex()})"
    try:
        return with_checksum(bare)
    except InputError:  # longer than rein.btc makes a checksum for; Core's has none of our limits
        return bare


def script_of(descriptor: str) -> bytes:
    """The script of an addr() or raw() descriptor, its checksum checked if it has one. InputError otherwise."""
    bare, mark, _ = descriptor.partition("#")
    if mark:
        with_checksum(descriptor)
    match = _FUNCTION.fullmatch(bare)
    if match is None:
        raise InputError(f"'{bare}' is not a valid descriptor function: this node knows addr() and raw()")
    function, argument = match.groups()
    if function == "addr":
        try:
            return script_of_address(argument, REGTEST)
        except InputError:
            raise InputError("Address is not valid") from None
    if not _HEX.fullmatch(argument):
        raise InputError("Raw script is not hex")
    return bytes.fromhex(argument)
