"""Core's error codes, and parameters read the way Core reads them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Final

from rein.btc.amounts import Sat, sat_from_decimal
from rein.errors import InputError, ReinError

_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")


class Code(IntEnum):
    """Bitcoin Core's src/rpc/protocol.h."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INTERNAL_ERROR = -32603
    MISC_ERROR = -1
    TYPE_ERROR = -3
    INVALID_ADDRESS_OR_KEY = -5
    INVALID_PARAMETER = -8
    DESERIALIZATION_ERROR = -22
    VERIFY_ERROR = -25
    VERIFY_REJECTED = -26
    VERIFY_ALREADY_IN_UTXO_SET = -27
    IN_WARMUP = -28


class RpcError(ReinError):
    """The error member of an answer. It never leaves this package: the dispatcher turns it into JSON."""

    def __init__(self, number: Code, message: str) -> None:
        super().__init__(message)
        self.number = number


def _json_type(value: object) -> str:
    names = {bool: "bool", int: "number", Decimal: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _wrong_type(value: object, expected: str) -> RpcError:
    return RpcError(Code.TYPE_ERROR, f"JSON value of type {_json_type(value)} is not of expected type {expected}")


def integer(value: object) -> int:
    if type(value) is not int:
        raise _wrong_type(value, "number")
    return value


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, "bool")
    return value


def text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, "string")
    return value


def array(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _wrong_type(value, "array")
    return value


def verbosity(value: object, default: int) -> int:
    """A level, or the older true and false."""
    if value is None:
        return default
    return int(value) if isinstance(value, bool) else integer(value)


def hash_text(value: object, name: str) -> str:
    """A block hash or txid, in lower case."""
    digits = text(value)
    if len(digits) != 64:
        raise RpcError(Code.INVALID_PARAMETER, f"{name} must be of length 64 (not {len(digits)}, for '{digits}')")
    if not _HEX.fullmatch(digits):
        raise RpcError(Code.INVALID_PARAMETER, f"{name} must be hexadecimal string (not '{digits}')")
    return digits.lower()


def hex_bytes(value: object, refusal: str) -> bytes:
    """Hexadecimal bytes; RpcError -22 with `refusal` otherwise."""
    digits = text(value)
    if not _HEX.fullmatch(digits):
        raise RpcError(Code.DESERIALIZATION_ERROR, refusal)
    return bytes.fromhex(digits)


def amount(value: object) -> Sat:
    """Satoshis from an amount of bitcoin, a number or a string."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            raise RpcError(Code.TYPE_ERROR, "Invalid amount") from None
    if type(value) is int:
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise RpcError(Code.TYPE_ERROR, "Amount is not a number or string")
    try:
        return sat_from_decimal(value)
    except InputError:
        raise RpcError(Code.TYPE_ERROR, "Amount out of range") from None
