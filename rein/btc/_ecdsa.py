"""secp256k1 in pure Python over ecdsa's point arithmetic, for platforms coincurve has no wheel for.

Slow, and not constant-time: someone who can time the signing of many messages may learn the key. Only the
curve, its points and RFC6979 are taken from the library: its own verify and recover raise TypeError at the point
at infinity and SquareRootError off the curve, and know no recovery id above 1. Inputs were checked by
`rein.btc.curve`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ecdsa import SECP256k1
from ecdsa.ellipticcurve import INFINITY, PointJacobi
from ecdsa.rfc6979 import generate_k

from rein.btc import _der

NAME = "ecdsa"

_N = _der.ORDER
_P: int = SECP256k1.curve.p()
_G: Any = SECP256k1.generator


def _lift_x(x: int, odd: int) -> Any | None:
    """The point with that x and parity of y, None if there is none."""
    if x >= _P:
        return None
    square = (pow(x, 3, _P) + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)  # P is 3 modulo 4
    if y * y % _P != square:
        return None
    return PointJacobi(SECP256k1.curve, x, y if y & 1 == odd else _P - y, 1, _N)


def _parse(key: bytes) -> Any | None:
    x = int.from_bytes(key[1:33], "big")
    if len(key) == 33:
        return _lift_x(x, key[0] & 1)
    y = int.from_bytes(key[33:], "big")
    if x >= _P or y >= _P or (y * y - pow(x, 3, _P) - 7) % _P:
        return None
    return PointJacobi(SECP256k1.curve, x, y, 1, _N)


def _serialize(point: Any, compressed: bool) -> bytes:
    x, y = int(point.x()), int(point.y())
    if compressed:
        return bytes((2 + (y & 1),)) + x.to_bytes(32, "big")
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def public_key(secret: bytes, compressed: bool) -> bytes:
    return _serialize(_G * int.from_bytes(secret, "big"), compressed)


def is_on_curve(key: bytes) -> bool:
    return _parse(key) is not None


def _sign(secret: bytes, digest: bytes) -> tuple[int, int, int]:
    """Recovery id, r and low s."""
    d, z = int.from_bytes(secret, "big"), int.from_bytes(digest, "big")
    k = generate_k(_N, d, hashlib.sha256, digest)
    point = _G * k
    x, y = int(point.x()), int(point.y())
    r = x % _N
    s = pow(k, -1, _N) * (z + r * d) % _N
    recid = (y & 1) | (2 if x >= _N else 0)
    if s > _der.HALF_ORDER:
        return recid ^ 1, r, _N - s
    return recid, r, s


def sign_recoverable(secret: bytes, digest: bytes) -> tuple[int, bytes]:
    recid, r, s = _sign(secret, digest)
    return recid, r.to_bytes(32, "big") + s.to_bytes(32, "big")


def recover(digest: bytes, recid: int, r_s: bytes, compressed: bool) -> bytes | None:
    """SEC 1 section 4.1.6: Q = (s R - z G) / r."""
    r, s = int.from_bytes(r_s[:32], "big"), int.from_bytes(r_s[32:], "big")
    if not (0 < r < _N and 0 < s < _N):
        return None
    point = _lift_x(r + (_N if recid & 2 else 0), recid & 1)
    if point is None:
        return None
    z, inverse = int.from_bytes(digest, "big"), pow(r, -1, _N)
    key = point.mul_add(s * inverse % _N, _G, -z * inverse % _N)
    return None if key == INFINITY else _serialize(key, compressed)


def sign_der(secret: bytes, digest: bytes) -> bytes:
    _, r, s = _sign(secret, digest)
    return _der.encode(r, s)


def verify_der(key: bytes, digest: bytes, signature: bytes) -> bool:
    point, numbers = _parse(key), _der.decode(signature)
    if point is None or numbers is None:
        return False
    r, s = numbers
    if s > _der.HALF_ORDER:
        return False
    z, inverse = int.from_bytes(digest, "big"), pow(s, -1, _N)
    total = _G.mul_add(z * inverse % _N, point, r * inverse % _N)
    return total != INFINITY and int(total.x()) % _N == r


def ecdh(secret: bytes, key: bytes) -> bytes | None:
    point = _parse(key)
    if point is None:
        return None
    shared = point * int.from_bytes(secret, "big")  # never infinity: the group has prime order
    return hashlib.sha256(_serialize(shared, True)).digest()


def add_secret(key: bytes, secret: bytes) -> bytes | None:
    point = _parse(key)
    if point is None:
        return None
    total = point + _G * int.from_bytes(secret, "big")
    return None if total == INFINITY else _serialize(total, True)
