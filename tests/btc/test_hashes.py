import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import hashes


def test_published_digests() -> None:
    assert hashes.sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hashes.sha256d(b"hello").hex() == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"
    assert hashes.ripemd160(b"abc").hex() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
    assert hashes.hash160(b"hello").hex() == "b6a9c8c230722b7c748331a8b450f05566dc7d0f"


def test_tagged_hash_is_bip340s() -> None:
    tag = hashlib.sha256(b"BIP0340/challenge").digest()
    assert hashes.tagged_hash("BIP0340/challenge", b"x") == hashlib.sha256(tag + tag + b"x").digest()


@given(st.binary(max_size=300))
def test_the_ripemd160_fallback_gives_the_same(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashes, "_openssl_ripemd160", _unsupported)
        fallback = hashes._choose_ripemd160()
    assert fallback is not _unsupported
    assert fallback(data) == hashes.ripemd160(data)


def _unsupported(data: bytes) -> bytes:
    raise ValueError("unsupported hash type ripemd160")
