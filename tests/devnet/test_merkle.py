"""Merkle trees and the proofs cut from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.hashes import sha256, sha256d
from rein.devnet.merkle import MerkleProof, merkle_root
from rein.errors import InputError


def leaves(count: int) -> list[bytes]:
    return [sha256(number.to_bytes(4, "little")) for number in range(count)]


def header_over(txids: list[bytes]) -> bytes:
    return bytes(36) + merkle_root(txids) + bytes(12)


def test_roots() -> None:
    one, two, three = leaves(3)
    assert merkle_root([one]) == one
    assert merkle_root([one, two]) == sha256d(one + two)
    assert merkle_root([one, two, three]) == sha256d(sha256d(one + two) + sha256d(three + three))


def test_a_real_block() -> None:
    """Mainnet block 170, the first with a payment: its two txids and its root."""
    coinbase = bytes.fromhex("b1fea52486ce0c62bb442b530a3f0132b826c74e473d1f2c220bfa78111c5082")[::-1]
    payment = bytes.fromhex("f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16")[::-1]
    root = bytes.fromhex("7dac2c5666815c17a3b36427de37bb9d2e2c5ccec3f8633eb91a4205cb4c10ff")[::-1]
    assert merkle_root([coinbase, payment]) == root


@given(st.integers(1, 70), st.data())
def test_a_proof_proves_what_was_asked(count: int, data: st.DataObject) -> None:
    txids = leaves(count)
    wanted = data.draw(st.sets(st.sampled_from(txids)))
    proof = MerkleProof.build(header_over(txids), txids, wanted)
    again = MerkleProof.parse(proof.serialize())
    assert again.serialize() == proof.serialize()
    assert again.matches() == [txid for txid in txids if txid in wanted]


@given(st.integers(2, 40), st.data())
def test_a_changed_proof_proves_nothing_else(count: int, data: st.DataObject) -> None:
    txids = leaves(count)
    wanted = set(txids[::3])
    raw = bytearray(MerkleProof.build(header_over(txids), txids, wanted).serialize())
    place = data.draw(st.integers(36, len(raw) - 1).filter(lambda at: not 68 <= at < 80))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        found = MerkleProof.parse(bytes(raw)).matches()
    except InputError:
        return
    # A flag may be cleared or the padding of the total's tree agree, but nothing foreign is ever proved.
    assert set(found) <= set(txids)


@given(st.binary(max_size=300))
def test_garbage_is_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        MerkleProof.parse(data).matches()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda proof: replace(proof, total=0), "impossible number"),
        (lambda proof: replace(proof, total=10**6), "impossible number"),
        (lambda proof: replace(proof, total=2), "impossible number"),
        (lambda proof: replace(proof, hashes=proof.hashes[:-1]), "too early"),
        (lambda proof: replace(proof, hashes=(*proof.hashes, bytes(32))), "more than it needs"),
        (lambda proof: replace(proof, bits=(*proof.bits, *[False] * 8)), "more than it needs"),
        (lambda proof: replace(proof, bits=()), "too early"),
        (lambda proof: replace(proof, header=bytes(80)), "another block"),
    ],
)
def test_broken_proofs(change: Callable[[MerkleProof], MerkleProof], words: str) -> None:
    txids = leaves(7)
    proof = MerkleProof.parse(MerkleProof.build(header_over(txids), txids, {txids[6]}).serialize())
    with pytest.raises(InputError, match=words):
        change(proof).matches()


def test_a_repeated_branch_is_refused() -> None:
    """CVE-2012-2459: a tree with its last leaf doubled has the same root."""
    txids = leaves(3)
    doubled = [*txids, txids[2]]
    assert merkle_root(doubled) == merkle_root(txids)
    proof = MerkleProof.build(header_over(doubled), doubled, {txids[2]})
    with pytest.raises(InputError, match="repeats a branch"):
        proof.matches()
