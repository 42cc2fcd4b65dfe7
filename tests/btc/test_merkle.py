"""Merkle trees and the proofs cut from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.hashes import sha256, sha256d
from rein.btc.header import BlockHeader
from rein.btc.merkle import MerkleBlock, MerkleProof, merkle_root, proof_in_block
from rein.errors import InputError

BLOCK_100000 = (
    "0100000050120119172a610421a6c3011dd330d9df07b63616c2cc1f1cd0020000000000"
    "6657a9252aacd5c0b2940996ecff952228c3067cc38d4885efb5a4ac4247e9f337221b4d4c86041b0f2b5710"
)


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
    proof = MerkleBlock.build(header_over(txids), txids, wanted)
    again = MerkleBlock.parse(proof.serialize())
    assert again.serialize() == proof.serialize()
    assert again.matches() == [txid for txid in txids if txid in wanted]


@given(st.integers(2, 40), st.data())
def test_a_changed_proof_proves_nothing_else(count: int, data: st.DataObject) -> None:
    txids = leaves(count)
    wanted = set(txids[::3])
    raw = bytearray(MerkleBlock.build(header_over(txids), txids, wanted).serialize())
    place = data.draw(st.integers(36, len(raw) - 1).filter(lambda at: not 68 <= at < 80))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        found = MerkleBlock.parse(bytes(raw)).matches()
    except InputError:
        return
    # A flag may be cleared or the padding of the total's tree agree, but nothing foreign is ever proved.
    assert set(found) <= set(txids)


@given(st.binary(max_size=300))
def test_garbage_is_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        MerkleBlock.parse(data).matches()


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
def test_broken_proofs(change: Callable[[MerkleBlock], MerkleBlock], words: str) -> None:
    txids = leaves(7)
    proof = MerkleBlock.parse(MerkleBlock.build(header_over(txids), txids, {txids[6]}).serialize())
    with pytest.raises(InputError, match=words):
        change(proof).matches()


def test_a_repeated_branch_is_refused() -> None:
    """CVE-2012-2459: a tree with its last leaf doubled has the same root."""
    txids = leaves(3)
    doubled = [*txids, txids[2]]
    assert merkle_root(doubled) == merkle_root(txids)
    proof = MerkleBlock.build(header_over(doubled), doubled, {txids[2]})
    with pytest.raises(InputError, match="repeats a branch"):
        proof.matches()


# One transaction's branch


BLOCK_100000_IDS = [
    "8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87",
    "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
    "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
    "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
]


def branch_of(txids: list[bytes], wanted: bytes, *others: bytes) -> MerkleProof:
    """The branch of `wanted`, out of a proof of all of them."""
    raw = MerkleBlock.build(header_over(txids), txids, {wanted, *others}).serialize()
    return MerkleBlock.parse(raw).proof_of(wanted[::-1].hex())


@pytest.mark.parametrize("position", range(4))
def test_the_branches_of_a_real_block(position: int) -> None:
    header = BlockHeader.from_hex(BLOCK_100000)
    txids = [bytes.fromhex(each)[::-1] for each in BLOCK_100000_IDS]
    raw = MerkleBlock.build(header.raw, txids, {txids[position]}).serialize()
    proof = proof_in_block(raw, BLOCK_100000_IDS[position], header.hash)
    assert (proof.txid, proof.position, len(proof.branch)) == (BLOCK_100000_IDS[position], position, 2)
    assert proof.root() == header.merkle_root
    for other in range(4):
        if other != position:
            assert replace(proof, position=other).root() != header.merkle_root
            with pytest.raises(InputError, match="of another transaction"):
                proof_in_block(raw, BLOCK_100000_IDS[other], header.hash)
    with pytest.raises(InputError, match="of another block"):
        proof_in_block(raw, BLOCK_100000_IDS[position], "00" * 32)


@given(st.integers(1, 70), st.data())
def test_a_branch_leads_to_the_root(count: int, data: st.DataObject) -> None:
    txids = leaves(count)
    wanted = data.draw(st.sampled_from(txids))
    others = data.draw(st.sets(st.sampled_from(txids)))
    proof = branch_of(txids, wanted, *others)
    assert (proof.root(), proof.position) == (merkle_root(txids), txids.index(wanted))


@given(st.integers(2, 40), st.data())
def test_a_changed_branch_leads_elsewhere(count: int, data: st.DataObject) -> None:
    txids = leaves(count)
    at = data.draw(st.integers(0, count - 1))
    proof = branch_of(txids, txids[at])
    level = data.draw(st.integers(0, len(proof.branch) - 1))
    branch = list(proof.branch)
    branch[level] = bytes(32)
    assert replace(proof, branch=tuple(branch)).root() != merkle_root(txids)
    assert replace(proof, branch=proof.branch[1:], position=proof.position >> 1).root() != merkle_root(txids)


@pytest.mark.parametrize(
    ("position", "branch"),
    [(-1, []), (1, []), (2, [bytes(32)]), (0, [bytes(31)]), (0, [bytes(32)] * 18), (2**17, [bytes(32)] * 17)],
)
def test_places_that_no_block_has(position: int, branch: list[bytes]) -> None:
    with pytest.raises(InputError):
        MerkleProof("00" * 32, position, tuple(branch))


@pytest.mark.parametrize("txid", ["", "00" * 31, "zz" * 32, "AA" * 32])
def test_ids_that_are_none(txid: str) -> None:
    with pytest.raises(InputError):
        MerkleProof(txid, 0, ())


def test_a_doubled_last_transaction_has_one_place() -> None:
    """CVE-2012-2459: as the fourth of three it would be found under the same root."""
    txids = leaves(3)
    proof = branch_of(txids, txids[2])
    assert (proof.position, proof.root()) == (2, merkle_root(txids))
    with pytest.raises(InputError, match="repeats a branch"):
        replace(proof, position=3).root()


@pytest.mark.parametrize("in_length", range(5))
def test_what_hangs_below_a_transaction_of_64_bytes_is_not_believed(in_length: int) -> None:
    """CVE-2017-12842: its maker chose the second half, and calls it the id of a transaction that nobody ever sent."""
    body = b"".join(
        (
            b"\x02\x00\x00\x00\x01" + sha256(b"coin") + bytes(4),
            bytes([in_length]) + bytes(in_length) + b"\xff" * 4,
            b"\x01" + (5_000).to_bytes(8, "little"),
            bytes([4 - in_length]) + bytes(4 - in_length) + bytes(4),
        )
    )
    assert len(body) == 64
    coinbase = sha256(b"coinbase")
    root = merkle_root([coinbase, sha256d(body)])
    forged = MerkleProof(body[32:][::-1].hex(), 3, (body[:32], coinbase))
    assert sha256d(coinbase + sha256d(body[:32] + body[32:])) == root, "without a check it is proved"
    with pytest.raises(InputError, match="could be a transaction"):
        forged.root()
