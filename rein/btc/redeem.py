"""The redeem scripts of the P2SH escrows of 2016, recognised byte for byte. Nothing new is made of them.

    primary                    2 <creator> <mediator> <worker> 3 CHECKMULTISIG, in January 2016 in any order of keys
    mediator's                 <mediator> CHECKSIGVERIFY 1 <creator> <worker> 2 CHECKMULTISIG
    mediator's, January 2016   <mediator> CHECKSIGVERIFY 2 <a> <b> 2 CHECKMULTISIG

Keys may be uncompressed here, and only here: `rein.btc.script` goes on to refuse them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rein.btc import curve
from rein.btc.encoding import Reader
from rein.btc.script import MandatoryMultisig, Multisig
from rein.btc.transaction import MAX_SIGNATURE_BYTES
from rein.errors import InputError

MAX_REDEEM_SCRIPT: Final = 520
"""Bytes; what a push may hold (BIP16), so the most a P2SH output can be spent with."""

_OP_0: Final = b"\x00"
_OP_0_PLUS: Final = 0x50
_OP_PUSHDATA1: Final = 0x4C
_CHECKMULTISIG: Final = 0xAE
_CHECKSIGVERIFY: Final = 0xAD
_KEY_LENGTHS: Final = (curve.COMPRESSED_BYTES, curve.UNCOMPRESSED_BYTES)

RedeemForm = Multisig | MandatoryMultisig


def read_redeem_script(script: bytes) -> RedeemForm:
    """Keys and threshold of a redeem script of 2016.

    :raises InputError: it has none of the three forms, a key is not a point of the curve, or there is a duplicate key.
    """
    if len(script) > MAX_REDEEM_SCRIPT:
        raise InputError(f"a redeem script has at most {MAX_REDEEM_SCRIPT} bytes")
    try:
        form = _read(Reader(script))
    except ValueError:
        form = None
    if form is None:
        raise InputError(
            "that is not the redeem script of an escrow of 2016",
            hint="2 of 3 keys, or the mediator's key and 1 or 2 of 2 other keys.",
        )
    _check_keys(form_keys(form))
    return form


def _read(reader: Reader) -> RedeemForm | None:
    first = reader.take(1)[0]
    if first == _OP_0_PLUS + 2:
        plain = _read_multisig(reader, 2, 3)
        return plain if reader.at_end else None
    mandatory = _key(reader, first)
    if reader.take(1)[0] != _CHECKSIGVERIFY:
        return None
    threshold = reader.take(1)[0] - _OP_0_PLUS
    if threshold not in (1, 2):
        return None
    rest = _read_multisig(reader, threshold, 2)
    return MandatoryMultisig(mandatory, *rest) if rest is not None and reader.at_end else None


def _read_multisig(reader: Reader, threshold: int, count: int) -> Multisig | None:
    keys = tuple(_key(reader, reader.take(1)[0]) for _ in range(count))
    tail = reader.take(2)
    return Multisig(keys, threshold) if tail == bytes([_OP_0_PLUS + count, _CHECKMULTISIG]) else None


def _key(reader: Reader, length: int) -> bytes:
    if length not in _KEY_LENGTHS:
        raise ValueError("that is not a push of a public key")
    return reader.take(length)


def _check_keys(keys: Sequence[bytes]) -> None:
    if not all(curve.is_valid_public_key(key) for key in keys):
        raise InputError("a key in the redeem script is invalid, so the money cannot be spent as it says")
    # The same point written in both ways has the same x.
    if len({key[1:33] for key in keys}) != len(keys):
        raise InputError("there is a duplicate key in the redeem script: Rein does not sign for such an escrow")


def form_keys(form: RedeemForm) -> tuple[bytes, ...]:
    """Every key that may sign, in the order of the script."""
    return form.keys if isinstance(form, Multisig) else (form.mandatory, *form.keys)


def is_enough(form: RedeemForm, signers: Sequence[bytes]) -> bool:
    """Whether these keys together can spend."""
    others = sum(key in signers for key in form.keys)
    return others >= form.threshold and (isinstance(form, Multisig) or form.mandatory in signers)


def push(data: bytes) -> bytes:
    """The shortest script that pushes these bytes (BIP62), at most 255 of them and not a small number."""
    if len(data) < _OP_PUSHDATA1:
        return bytes([len(data)]) + data
    return bytes([_OP_PUSHDATA1, len(data)]) + data


def script_sig(signatures: Sequence[bytes], script: bytes) -> bytes:
    """The scriptSig of just the signatures needed: those of CHECKMULTISIG in the order of the keys, after the empty
    item it takes too many; the mandatory one is checked first, so it comes last and lies on top."""
    return _OP_0 + b"".join(map(push, signatures)) + push(script)


def script_sig_bytes(form: RedeemForm, script: bytes) -> int:
    """The length of a scriptSig at most."""
    signatures = form.threshold + isinstance(form, MandatoryMultisig)
    return 1 + signatures * len(push(bytes(MAX_SIGNATURE_BYTES))) + len(push(script))
