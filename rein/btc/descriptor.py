"""Output descriptors (BIP380 to BIP383) of the two escrow scripts, with plain hexadecimal keys.

    wsh(multi(k,K1,...,Kn))
    wsh(and_v(v:pk(M),multi(k,K1,...,Kn)))

Anything else, however valid elsewhere, is refused: a script we cannot read is not one to send money to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rein.btc.keys import parse_public_key
from rein.btc.script import (
    mandatory_multisig_script,
    multisig_script,
    parse_mandatory_multisig,
    parse_multisig,
)
from rein.errors import InputError
from rein.lazy import lazy

if TYPE_CHECKING:
    from embit import descriptor as embit_descriptor
    from embit.descriptor import checksum, errors
else:
    embit_descriptor = lazy("embit.descriptor")
    checksum = lazy("embit.descriptor.checksum")
    errors = lazy("embit.descriptor.errors")
_MAX_TEXT: Final = 2_000

_MULTI = r"multi\((?P<threshold>[1-9][0-9]?)(?P<keys>(?:,[0-9a-f]{66})+)\)"
_MULTISIG = re.compile(rf"wsh\({_MULTI}\)")
_MANDATORY = re.compile(rf"wsh\(and_v\(v:pk\((?P<mandatory>[0-9a-f]{{66}})\),{_MULTI}\)\)")


def _checksum(body: str) -> str:
    """BIP380's, by embit."""
    try:
        return str(checksum.checksum(body))
    except errors.DescriptorError:
        raise InputError("a letter in it cannot stand in a descriptor") from None


def _without_checksum(descriptor: str) -> str:
    """The descriptor proper; a checksum, if there is one, must be right."""
    if len(descriptor) > _MAX_TEXT:
        raise InputError("that is too long for a descriptor of an escrow")
    body, separator, given = descriptor.partition("#")
    if separator and given != _checksum(body):
        raise InputError("the descriptor's checksum is wrong: a letter is missing, added or mistyped")
    return body


def with_checksum(descriptor: str) -> str:
    """The descriptor with its BIP380 checksum, which is checked if it is there already."""
    body = _without_checksum(descriptor)
    return f"{body}#{_checksum(body)}"


def witness_script_of(descriptor: str) -> bytes:
    """The witness script a descriptor of either form stands for.

    InputError for any other text or a wrong checksum, KeyMaterialError for an invalid or duplicate key.
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
        ours = multisig_script(threshold, keys)
    else:
        ours = mandatory_multisig_script(parse_public_key(match["mandatory"]), threshold, keys)
    return _as_embit_compiles(body, ours)


def _as_embit_compiles(body: str, ours: bytes) -> bytes:
    """The script, if embit's miniscript compiler makes the same one: two programs must agree where money goes."""
    try:
        theirs = embit_descriptor.Descriptor.from_string(body).witness_script().data
    except Exception as error:  # noqa: BLE001 - embit raises six unrelated types
        raise InputError(f"that is not a descriptor Rein can use: {error}") from None
    if theirs != ours:
        raise InputError("that descriptor can be compiled in two ways, so it is refused")
    return ours


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
