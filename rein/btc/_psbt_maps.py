"""The bytes of a PSBT version 0 (BIP174), read so strictly that no two programs can read them differently.

A PSBT from a stranger is an attack surface: two programs that read it differently can be made to show one payment
and sign another. So it is read twice, by the few lines below and by embit, and what either of them does not
understand exactly as the other is refused. That closes what embit alone lets through: a sequence or version of 0
silently rewritten, PSBT version 2 fields that replace the outpoint, a previous transaction that runs past its
length, long-form lengths, fields it drops or normalises.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rein.btc.encoding import Reader, with_length
from rein.btc.transaction import Transaction
from rein.errors import InputError, PsbtError
from rein.lazy import lazy

if TYPE_CHECKING:
    from embit import psbt as embit_psbt
else:
    embit_psbt = lazy("embit.psbt")

Fields = dict[bytes, bytes]  # a key (its type and what follows) and its value

MAX_BASE64: Final = 100_000
MAX_BYTES: Final = MAX_BASE64 // 4 * 3
MAX_FILE: Final = 4 * MAX_BYTES  # hexadecimal, and as much again for white space

_MAGIC: Final = b"psbt\xff"
_SEPARATOR: Final = b"\x00"
_UNSIGNED_TX: Final = b"\x00"

# Key types, BIP174 and BIP371.
_VERSION_2_GLOBALS: Final = frozenset({0x02, 0x03, 0x04, 0x05, 0x06, 0xFB})
_INPUT_TAP_DERIVATION: Final = 0x16
_OUTPUT_TAP_DERIVATION: Final = 0x07


_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+")


@dataclass(frozen=True)
class Maps:
    """The unsigned transaction and the key-value maps, which nobody may modify."""

    transaction: Transaction
    globals: Fields
    inputs: tuple[Fields, ...]
    outputs: tuple[Fields, ...]


def decode_base64(text: str) -> bytes:
    """The bytes behind base64 in its one exact spelling, at most 100,000 letters. PsbtError otherwise."""
    if len(text) > MAX_BASE64:
        raise PsbtError(f"the PSBT is longer than {MAX_BASE64} letters")
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        raise PsbtError("that is not a PSBT: it is not base64") from None
    # b64decode lets non-zero trailing bits through.
    if b64encode(raw).decode() != text:
        raise PsbtError("that is not a PSBT: its base64 is not the exact one")
    return raw


def decode(data: bytes) -> bytes:
    """The bytes of a PSBT from what a file holds: themselves, or base64 or hexadecimal text with white space around
    or in it, as tools wrap lines. PsbtError otherwise; whether it is a PSBT is for `read_maps` to say."""
    if len(data) > MAX_FILE:
        raise PsbtError(f"the file is larger than {MAX_FILE} bytes, so it is no PSBT of an escrow")
    if data.startswith(_MAGIC):
        return data
    text = b"".join(data.split())
    if _HEX.fullmatch(text) and text[: 2 * len(_MAGIC)].lower() == _MAGIC.hex().encode():
        return bytes.fromhex(text.decode())
    return decode_base64(text.decode("ascii", errors="replace"))


def new_maps(transaction: Transaction, inputs: Sequence[Fields], outputs: Sequence[Fields] | None = None) -> Maps:
    """A PSBT of these fields of inputs and, if given, of outputs."""
    said = tuple({} for _ in transaction.outputs) if outputs is None else tuple(outputs)
    return Maps(transaction, {_UNSIGNED_TX: transaction.raw}, tuple(inputs), said)


def _fields_bytes(fields: Fields) -> bytes:
    # In the order of the keys: the same signatures give the same bytes whoever signed first.
    return b"".join(with_length(key) + with_length(fields[key]) for key in sorted(fields)) + _SEPARATOR


def write_maps(maps: Maps) -> bytes:
    return _MAGIC + b"".join(_fields_bytes(fields) for fields in (maps.globals, *maps.inputs, *maps.outputs))


def _read_fields(reader: Reader) -> Fields:
    fields: Fields = {}
    while key := reader.string():
        if key in fields:
            raise ValueError("a duplicate key in one map")
        fields[key] = reader.string()
    return fields


def _read_transaction(fields: Fields) -> Transaction:
    if any(key[0] in _VERSION_2_GLOBALS for key in fields):
        raise ValueError("it is not of version 0")
    if _UNSIGNED_TX not in fields or any(key[0] == 0 and key != _UNSIGNED_TX for key in fields):
        raise ValueError("it has no unsigned transaction, or an odd one")
    transaction = Transaction(fields[_UNSIGNED_TX])
    if transaction.raw != transaction.unsigned_raw or any(transaction.script_sigs):
        raise ValueError("its unsigned transaction holds signatures")
    return transaction


def _check_leaf_counts(maps: Maps) -> None:
    """embit would loop as often as the count says, before it looks whether the hashes are there."""
    for fields_list, kind in ((maps.inputs, _INPUT_TAP_DERIVATION), (maps.outputs, _OUTPUT_TAP_DERIVATION)):
        for fields in fields_list:
            for key, value in fields.items():
                if key[0] == kind and Reader(value).compact_size() * 32 > len(value):
                    raise ValueError("a taproot derivation is cut short")


def _read(raw: bytes) -> Maps:
    if len(raw) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    reader = Reader(raw)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as one")
    fields = _read_fields(reader)
    transaction = _read_transaction(fields)
    inputs = tuple(_read_fields(reader) for _ in transaction.inputs)
    outputs = tuple(_read_fields(reader) for _ in transaction.outputs)
    if not reader.at_end:
        raise ValueError("bytes follow its end")
    return Maps(transaction, fields, inputs, outputs)


def _as_embit_reads(raw: bytes) -> Maps:
    # `parse` makes its own dictionaries; PSBT(tx) alone would share them between all PSBTs of the process.
    try:
        again = embit_psbt.PSBT.parse(raw).serialize()
    except Exception as error:  # embit raises six unrelated types
        raise ValueError("a field of it is malformed") from error
    return _read(again)


def read_maps(raw: bytes) -> Maps:
    """The maps of a PSBT. PsbtError for anything else, and for what embit reads differently."""
    try:
        maps = _read(raw)
        _check_leaf_counts(maps)
        agreed = _as_embit_reads(raw) == maps
    except InputError as error:
        raise PsbtError(f"that is not a PSBT: {error.message}") from None
    except ValueError as error:
        raise PsbtError(f"that is not a PSBT: {error}") from None
    if not agreed:
        raise PsbtError("that PSBT can be read in two ways, so it is refused")
    return maps
