"""The two witness scripts of Rein's escrows, built and recognised byte for byte.

    multisig            k <K1> ... <Kn> n CHECKMULTISIG
    mandatory multisig  <M> CHECKSIGVERIFY k <K1> ... <Kn> n CHECKMULTISIG

The second is what miniscript compiles and_v(v:pk(M),multi(k,K1,...,Kn)) to: M must sign, and k of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rein.btc import curve
from rein.errors import InputError, KeyMaterialError

# What OP_1..OP_15 can count; more would also pass consensus, but no escrow needs it.
MAX_KEYS: Final = 15

_OP_0_PLUS: Final = 0x50
_CHECKMULTISIG: Final = b"\xae"
_CHECKSIGVERIFY: Final = b"\xad"
_PUSH_KEY: Final = bytes([curve.COMPRESSED_BYTES])
_KEY_ITEM: Final = 1 + curve.COMPRESSED_BYTES


class Multisig(NamedTuple):
    """`threshold` of `keys` must sign; signatures stand in the order of the keys."""

    keys: tuple[bytes, ...]
    threshold: int


class MandatoryMultisig(NamedTuple):
    """`mandatory` must sign, and `threshold` of `keys`."""

    mandatory: bytes
    keys: tuple[bytes, ...]
    threshold: int


def _check_keys(keys: Sequence[bytes]) -> None:
    for key in keys:
        if len(key) != curve.COMPRESSED_BYTES or not curve.is_valid_public_key(key):
            raise KeyMaterialError("an escrow takes compressed public keys only: others would freeze the money")
    if len(set(keys)) != len(keys):
        raise KeyMaterialError("duplicate public key in an escrow: one signer would count as two")


def multisig_script(threshold: int, keys: Sequence[bytes]) -> bytes:
    """The script that any `threshold` of `keys` satisfy. InputError or KeyMaterialError when it makes no sense."""
    _check_keys(keys)
    if not 1 <= threshold <= len(keys) <= MAX_KEYS:
        raise InputError(f"{threshold} of {len(keys)} keys is not a possible multisig")
    pushes = b"".join(_PUSH_KEY + key for key in keys)
    return bytes([_OP_0_PLUS + threshold]) + pushes + bytes([_OP_0_PLUS + len(keys)]) + _CHECKMULTISIG


def mandatory_multisig_script(mandatory: bytes, threshold: int, keys: Sequence[bytes]) -> bytes:
    """The script that `mandatory` and any `threshold` of `keys` satisfy together. Errors as `multisig_script`."""
    _check_keys([mandatory, *keys])
    return _PUSH_KEY + mandatory + _CHECKSIGVERIFY + multisig_script(threshold, keys)


def parse_multisig(script: bytes) -> Multisig | None:
    """Keys and threshold, if the script is exactly what `multisig_script` builds of them."""
    body = script[1:-2]
    if not body or len(body) % _KEY_ITEM:
        return None
    keys = tuple(body[start + 1 : start + _KEY_ITEM] for start in range(0, len(body), _KEY_ITEM))
    threshold = script[0] - _OP_0_PLUS
    try:
        return Multisig(keys, threshold) if multisig_script(threshold, keys) == script else None
    except (InputError, KeyMaterialError):
        return None


def parse_mandatory_multisig(script: bytes) -> MandatoryMultisig | None:
    """Mandatory key, keys and threshold, if the script is exactly what `mandatory_multisig_script` builds of them."""
    rest = parse_multisig(script[_KEY_ITEM + 1 :])
    if rest is None:
        return None
    mandatory = script[1:_KEY_ITEM]
    try:
        again = mandatory_multisig_script(mandatory, rest.threshold, rest.keys)
    except (InputError, KeyMaterialError):
        return None
    return MandatoryMultisig(mandatory, *rest) if again == script else None


def script_keys(script: bytes) -> tuple[bytes, ...]:
    """Every key that may sign for a script of either form; none for any other script."""
    plain = parse_multisig(script)
    if plain is not None:
        return plain.keys
    mandatory = parse_mandatory_multisig(script)
    return () if mandatory is None else (mandatory.mandatory, *mandatory.keys)
