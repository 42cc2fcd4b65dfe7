"""secp256k1 by libsecp256k1 through coincurve. Inputs were checked by `rein.btc.curve`.

coincurve raises ValueError for every refusal. Each call passes `hasher=None`, or it would hash again.
"""

from __future__ import annotations

from coincurve import PrivateKey, PublicKey

NAME = "coincurve"


def public_key(secret: bytes, compressed: bool) -> bytes:
    return PublicKey.from_valid_secret(secret).format(compressed)


def is_on_curve(key: bytes) -> bool:
    try:
        PublicKey(key)
    except ValueError:
        return False
    return True


def sign_recoverable(secret: bytes, digest: bytes) -> tuple[int, bytes]:
    signature = PrivateKey(secret).sign_recoverable(digest, hasher=None)
    return signature[64], signature[:64]


def recover(digest: bytes, recid: int, r_s: bytes, compressed: bool) -> bytes | None:
    try:
        key = PublicKey.from_signature_and_message(r_s + bytes((recid,)), digest, hasher=None)
    except ValueError:
        return None
    return key.format(compressed)


def sign_der(secret: bytes, digest: bytes) -> bytes:
    return PrivateKey(secret).sign(digest, hasher=None)


def verify_der(key: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        return PublicKey(key).verify(signature, digest, hasher=None)
    except ValueError:
        return False


def ecdh(secret: bytes, key: bytes) -> bytes | None:
    try:
        return PrivateKey(secret).ecdh(key)
    except ValueError:
        return None


def add_secret(key: bytes, secret: bytes) -> bytes | None:
    try:
        return PublicKey(key).add(secret).format()
    except ValueError:
        return None
