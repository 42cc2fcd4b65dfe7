"""Output descriptors (BIP380 to BIP383) of the two escrow scripts, with plain hexadecimal keys.

    wsh(multi(k,K1,...,Kn))
    wsh(and_v(v:pk(M),multi(k,K1,...,Kn)))

Anything else, however valid elsewhere, is refused: a script we cannot read is not one to send money to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rein.btc.keys import parse_public_key
from rein.btc.script import (
    mandatory_multisig_script,
    multisig_script,
    parse_mandatory_multisig,
    parse_multisig,
)
from rein.errors import InputError

_INPUT_LETTERS: Final = (
    "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
)
_CHECKSUM_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CHECKSUM_LENGTH: Final = 8
_GENERATOR: Final = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)
_MAX_TEXT: Final = 2_000

_MULTI = r"multi\((?P<threshold>[1-9][0-9]?)(?P<keys>(?:,[0-9a-f]{66})+)\)"
_MULTISIG = re.compile(rf"wsh\({_MULTI}\)")
_MANDATORY = re.compile(rf"wsh\(and_v\(v:pk\((?P<mandatory>[0-9a-f]{{66}})\),{_MULTI}\)\)")


def _symbols(text: str) -> list[int]:
    """BIP380: each letter's place in its group of 32, and after every three letters their groups."""
    symbols: list[int] = []
    groups: list[int] = []
    for letter in text:
        place = _INPUT_LETTERS.find(letter)
        if place < 0:
            raise InputError(f"{letter!r} cannot stand in a descriptor")
        symbols.append(place & 31)
        groups.append(place >> 5)
        if len(groups) == 3:
            symbols.append(groups[0] * 9 + groups[1] * 3 + groups[2])
            groups.clear()
    if groups:
        symbols.append(groups[0] * 3 + groups[1] if len(groups) == 2 else groups[0])
    return symbols


def _checksum(text: str) -> str:
    remainder = 1
    for symbol in [*_symbols(text), *[0] * _CHECKSUM_LENGTH]:
        top = remainder >> 35
        remainder = (remainder & 0x7FFFFFFFF) << 5 ^ symbol
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                remainder ^= term
    remainder ^= 1
    return "".join(_CHECKSUM_LETTERS[remainder >> 5 * (7 - place) & 31] for place in range(_CHECKSUM_LENGTH))


def _without_checksum(descriptor: str) -> str:
    """The descriptor proper; a checksum, if there is one, must be right."""
    if len(descriptor) > _MAX_TEXT:
        raise InputError("that is too long for a descriptor of an escrow")
    body, separator, checksum = descriptor.partition("#")
    if separator and checksum != _checksum(body):
        raise InputError("the descriptor's checksum is wrong: a letter is missing, added or mistyped")
    return body


def with_checksum(descriptor: str) -> str:
    """The descriptor with its BIP380 checksum, which is checked if it is there already."""
    body = _without_checksum(descriptor)
    return f"{body}#{_checksum(body)}"


def witness_script_of(descriptor: str) -> bytes:
    """The witness script a descriptor of either form stands for.

    InputError for any other text or a wrong checksum, KeyMaterialError for a key that is none or stands twice.
    """
    body = _without_checksum(descriptor)
    match = _MULTISIG.fullmatch(body) or _MANDATORY.fullmatch(body)
    if match is None:
        raise InputError(
            "that is not a descriptor Rein can use",
            hint="wsh(multi(k,keys...)) or wsh(and_v(v:pk(key),multi(k,keys...))) with compressed keys in hexadecimal",
        )
    threshold = int(match["threshold"])
    keys = [parse_public_key(key) for key in match["keys"].split(",")[1:]]
    if match.re is _MULTISIG:
        return multisig_script(threshold, keys)
    return mandatory_multisig_script(parse_public_key(match["mandatory"]), threshold, keys)


def _multi(threshold: int, keys: Sequence[bytes]) -> str:
    return f"multi({threshold},{','.join(key.hex() for key in keys)})"


def descriptor_of(witness_script: bytes) -> str:
    """The descriptor, with checksum, of a witness script of either form. InputError for any other script."""
    plain = parse_multisig(witness_script)
    if plain is not None:
        return with_checksum(f"wsh({_multi(plain.threshold, plain.keys)})")
    mandatory = parse_mandatory_multisig(witness_script)
    if mandatory is not None:
        multi = _multi(mandatory.threshold, mandatory.keys)
        return with_checksum(f"wsh(and_v(v:pk({mandatory.mandatory.hex()}),{multi}))")
    raise InputError("that witness script is not one of Rein's escrows")
