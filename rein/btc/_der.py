"""DER signatures, strictly: BIP66's rules plus the ranges of r and s."""

from __future__ import annotations

from typing import Final

# The order of secp256k1's group (SEC 2).
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER: Final = ORDER // 2

# 30 len 02 len r(33) 02 len s(33).
MAX_DER: Final = 72


def _encode_integer(number: int) -> bytes:
    # One bit more than the number needs: the top bit of a DER integer is its sign.
    body = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(body)]) + body


def encode(r: int, s: int) -> bytes:
    body = _encode_integer(r) + _encode_integer(s)
    return b"\x30" + bytes([len(body)]) + body


def decode(signature: bytes) -> tuple[int, int] | None:
    """r and s, both in 1..ORDER-1; None for anything that `encode` would not write."""
    # 30 len, then two integers. The lengths are read loosely here: re-encoding below is what is strict.
    if not 8 <= len(signature) <= MAX_DER:
        return None
    r_end = 4 + signature[3]
    r = int.from_bytes(signature[4:r_end], "big")
    s = int.from_bytes(signature[r_end + 2 :], "big")
    if not (0 < r < ORDER and 0 < s < ORDER) or encode(r, s) != signature:
        return None
    return r, s
