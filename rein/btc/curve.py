"""secp256k1: one front for two backends, coincurve where it is installed and ecdsa elsewhere.

Bytes in, bytes out, no state. Shapes (lengths, first bytes, recovery ids) are checked here once, so that the
backends hold arithmetic only and answer alike. A question about a stranger's bytes is answered (False, None),
never raised; only our own unusable secret raises.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Protocol

from rein.btc import _der
from rein.errors import KeyMaterialError

SECRET_BYTES: Final = 32
DIGEST_BYTES: Final = 32
COMPRESSED_BYTES: Final = 33
UNCOMPRESSED_BYTES: Final = 65
ORDER: Final = _der.ORDER
HALF_ORDER: Final = _der.HALF_ORDER


class Backend(Protocol):
    """What a curve library must answer about inputs of the right shape."""

    NAME: str

    def public_key(self, secret: bytes, compressed: bool) -> bytes: ...
    def is_on_curve(self, key: bytes) -> bool: ...
    def sign_recoverable(self, secret: bytes, digest: bytes) -> tuple[int, bytes]: ...
    def recover(self, digest: bytes, recid: int, r_s: bytes, compressed: bool) -> bytes | None: ...
    def sign_der(self, secret: bytes, digest: bytes) -> bytes: ...
    def verify_der(self, key: bytes, digest: bytes, signature: bytes) -> bool: ...
    def ecdh(self, secret: bytes, key: bytes) -> bytes | None: ...
    def add_secret(self, key: bytes, secret: bytes) -> bytes | None: ...


@cache
def _backend() -> Backend:
    try:
        from rein.btc import _coincurve  # noqa: PLC0415 - which of the two there is shows only by loading it
    except ImportError:
        from rein.btc import _ecdsa  # noqa: PLC0415 - as above

        return _ecdsa
    return _coincurve


def is_valid_secret(secret: bytes) -> bool:
    """Exactly 32 bytes, a number in 1..n-1."""
    return len(secret) == SECRET_BYTES and 0 < int.from_bytes(secret, "big") < ORDER


def _check_secret(secret: bytes) -> None:
    if not is_valid_secret(secret):
        raise KeyMaterialError("that is not a secret key: it must be 32 bytes, not zero and below the group order")


def _check_signing(secret: bytes, digest: bytes) -> None:
    _check_secret(secret)
    if len(digest) != DIGEST_BYTES:
        raise ValueError("a digest is 32 bytes")  # a mistake in our own code, not something to explain to people


def public_key(secret: bytes, compressed: bool = True) -> bytes:
    """The 33 (or 65) bytes of the public key. KeyMaterialError for an invalid secret."""
    _check_secret(secret)
    return _backend().public_key(secret, compressed)


def _has_key_shape(data: bytes) -> bool:
    """02 or 03 and 32 bytes, or 04 and 64: hybrid keys (06, 07) are refused, as Bitcoin Core's policy does."""
    if len(data) == COMPRESSED_BYTES:
        return data[0] in (2, 3)
    return len(data) == UNCOMPRESSED_BYTES and data[0] == 4


def is_valid_public_key(data: bytes) -> bool:
    """33 bytes from 02 or 03, or 65 bytes from 04, and a point of the curve."""
    return _has_key_shape(data) and _backend().is_on_curve(data)


def sign_recoverable(secret: bytes, digest: bytes) -> tuple[int, bytes]:
    """Recovery id (0..3) and r||s of 64 bytes; RFC6979 nonce, low s. KeyMaterialError for an invalid secret."""
    _check_signing(secret, digest)
    return _backend().sign_recoverable(secret, digest)


def recover(digest: bytes, recid: int, r_s: bytes, compressed: bool) -> bytes | None:
    """The public key that made this signature, None if no key did. A high s is accepted, as Bitcoin Core does."""
    if len(digest) != DIGEST_BYTES or len(r_s) != 64 or recid not in (0, 1, 2, 3):
        return None
    return _backend().recover(digest, recid, r_s, compressed)


def ecdh(secret: bytes, public_key: bytes) -> bytes | None:
    """The secret that the holders of two keys share: SHA-256 of the shared point, compressed, as libsecp256k1 has it.

    None if `public_key` is not a point of the curve; KeyMaterialError for an invalid secret.
    """
    _check_secret(secret)
    return _backend().ecdh(secret, public_key) if _has_key_shape(public_key) else None


def add_secret(public_key: bytes, secret: bytes) -> bytes | None:
    """The compressed key of the sum of two secrets, of which one is known by its public key only.

    None if `public_key` is not a point of the curve, `secret` is invalid, or they cancel each other out.
    """
    if not _has_key_shape(public_key) or not is_valid_secret(secret):
        return None
    return _backend().add_secret(public_key, secret)


def sign_der(secret: bytes, digest: bytes) -> bytes:
    """A DER signature of at most 71 bytes: plain RFC6979 nonce (no grinding for a low r), low s."""
    _check_signing(secret, digest)
    return _backend().sign_der(secret, digest)


def verify_der(public_key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether it is that key's signature of the digest, in strict DER (BIP66) with low s (BIP146). Never raises."""
    if not _has_key_shape(public_key) or len(digest) != DIGEST_BYTES or not 8 <= len(signature) <= _der.MAX_DER:
        return False
    return _backend().verify_der(public_key, digest, signature)
