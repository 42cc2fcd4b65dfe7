"""Bech32 (BIP173) and Bech32m (BIP350): segwit addresses, and only those."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_NO_DIGIT: Final = 0xFF
_DIGITS: Final = bytes(_ALPHABET.find(chr(letter)) & _NO_DIGIT for letter in range(256))
_PYTHONS_BASE_32: Final = b"0123456789abcdefghijklmnopqrstuv"
_VISIBLE: Final = re.compile(r"[!-~]+")
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32: Final = 1
_BECH32M: Final = 0x2BC830A3
_CHECKSUM: Final = 6

MAX_TEXT: Final = 90


def _terms(top: int) -> int:
    terms = 0
    for bit, term in enumerate(_GENERATOR):
        if top >> bit & 1:
            terms ^= term
    return terms


_TERMS: Final = tuple(map(_terms, range(32)))
"""What is added for each value of the five bits that leave the remainder."""


def _polymod(hrp: str, digits: Iterable[int]) -> int:
    remainder = 1
    expanded = [ord(letter) >> 5 for letter in hrp] + [0] + [ord(letter) & 31 for letter in hrp]
    for digit in [*expanded, *digits]:
        remainder = (remainder & 0x1FFFFFF) << 5 ^ digit ^ _TERMS[remainder >> 25]
    return remainder


def encode_digits(hrp: str, digits: list[int], *, bech32m: bool) -> str:
    """hrp, separator, digits and checksum, in lower case."""
    checksum = _polymod(hrp, [*digits, *[0] * _CHECKSUM]) ^ (_BECH32M if bech32m else _BECH32)
    tail = [checksum >> 5 * (5 - position) & 31 for position in range(_CHECKSUM)]
    return hrp + "1" + "".join(_ALPHABET[digit] for digit in [*digits, *tail])


def decode_digits(text: str) -> tuple[str, list[int], bool] | None:
    """hrp in lower case, digits without the checksum, and whether it is Bech32m; None for any other text."""
    if len(text) > MAX_TEXT or _VISIBLE.fullmatch(text) is None:
        return None
    if text not in (text.lower(), text.upper()):
        return None
    hrp, separator, rest = text.lower().rpartition("1")
    digits = list(rest.encode().translate(_DIGITS))
    if not hrp or not separator or len(rest) < _CHECKSUM or _NO_DIGIT in digits:
        return None
    check = _polymod(hrp, digits)
    if check not in (_BECH32, _BECH32M):
        return None
    return hrp, digits[:-_CHECKSUM], check == _BECH32M


def _to_digits(program: bytes) -> list[int]:
    count = -(-len(program) * 8 // 5)
    number = int.from_bytes(program, "big") << (count * 5 - len(program) * 8)
    return [number >> 5 * (count - 1 - position) & 31 for position in range(count)]


def _from_digits(digits: Sequence[int]) -> bytes | None:
    """The bytes, if at most four padding bits follow them and all are zero."""
    number = int(bytes(_PYTHONS_BASE_32[digit] for digit in digits), 32) if digits else 0
    length, padding = divmod(len(digits) * 5, 8)
    if padding > 4 or number & (1 << padding) - 1:
        return None
    return (number >> padding).to_bytes(length, "big")


def is_valid_program(version: int, program: bytes) -> bool:
    """BIP141: version 0..16 and 2..40 bytes; version 0 means 20 (P2WPKH) or 32 (P2WSH)."""
    if version == 0:
        return len(program) in (20, 32)
    return 1 <= version <= 16 and 2 <= len(program) <= 40


def encode(hrp: str, version: int, program: bytes) -> str:
    return encode_digits(hrp, [version, *_to_digits(program)], bech32m=version > 0)


def decode(text: str) -> tuple[str, int, bytes] | None:
    """hrp, witness version and program of a segwit address of whatever network; None for any other text."""
    decoded = decode_digits(text)
    if decoded is None or not decoded[1]:
        return None
    hrp, (version, *digits), bech32m = decoded
    program = _from_digits(digits)
    if program is None or not is_valid_program(version, program) or bech32m != (version > 0):
        return None
    return hrp, version, program
