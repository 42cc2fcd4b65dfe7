"""Base58Check, the spelling of old addresses, WIF keys and extended keys."""

from __future__ import annotations

from typing import Final

from rein.btc.hashes import sha256d

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CHECKSUM_BYTES: Final = 4

# An extended key (78 bytes and a checksum) is the longest thing written so; decoding is quadratic in the length.
MAX_TEXT: Final = 112

_DIGIT: Final = {letter: digit for digit, letter in enumerate(ALPHABET)}


def encode_check(payload: bytes) -> str:
    data = payload + sha256d(payload)[:CHECKSUM_BYTES]
    number = int.from_bytes(data, "big")
    letters = []
    while number:
        number, digit = divmod(number, 58)
        letters.append(ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return ALPHABET[0] * zeros + "".join(reversed(letters))


def decode_check(text: str) -> bytes | None:
    """The payload without its checksum; None for any other text.

    Every payload has one spelling: `encode_check` of the result is `text` again.
    """
    if len(text) > MAX_TEXT:
        return None
    number = 0
    try:
        for letter in text:
            number = number * 58 + _DIGIT[letter]
    except KeyError:
        return None
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    if len(data) <= CHECKSUM_BYTES or sha256d(payload)[:CHECKSUM_BYTES] != checksum:
        return None
    return payload
