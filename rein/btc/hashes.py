"""The hash functions Bitcoin is made of. Bytes in, bytes out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sha256d(data: bytes) -> bytes:
    """SHA-256 twice: transaction ids, sighashes, base58 checksums."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def _openssl_ripemd160(data: bytes) -> bytes:
    return hashlib.new("ripemd160", data).digest()


def _choose_ripemd160() -> Callable[[bytes], bytes]:
    """OpenSSL's where it has one: builds of OpenSSL 3 may keep RIPEMD-160 in a provider that is not loaded."""
    try:
        _openssl_ripemd160(b"")
    except ValueError:
        from bitcoin.core.contrib.ripemd160 import ripemd160 as pure_ripemd160  # noqa: PLC0415 - few need it

        return lambda data: bytes(pure_ripemd160(data))
    return _openssl_ripemd160


_ripemd160 = _choose_ripemd160()


def ripemd160(data: bytes) -> bytes:
    return _ripemd160(data)


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256, 20 bytes: what P2PKH and P2WPKH outputs commit to."""
    return _ripemd160(hashlib.sha256(data).digest())


@lru_cache(maxsize=64)
def _tag_prefix(tag: str) -> bytes:
    return sha256(tag.encode()) * 2


def tagged_hash(tag: str, data: bytes) -> bytes:
    """BIP340's tagged hash: SHA-256(SHA-256(tag) || SHA-256(tag) || data)."""
    return sha256(_tag_prefix(tag) + data)
