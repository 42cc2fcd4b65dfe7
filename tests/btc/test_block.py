"""Blocks: whom they pay, and that nothing passes for a block but the block of that hash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import COIN, Sat
from rein.btc.block import MAX_BLOCK_BYTES, Block
from rein.btc.encoding import compact_size, with_length
from rein.btc.hashes import sha256d
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned, with_witnesses
from rein.errors import InputError

# The first block of the chain (Bitcoin Core, chainparams.cpp).
GENESIS_HEADER = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3"
    "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
)
GENESIS_COINBASE = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d"
    "65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f7220"
    "62616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f"
    "4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
GENESIS_HASH = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
GENESIS = GENESIS_HEADER + b"\x01" + GENESIS_COINBASE


def payment(number: int, *, witness: bool) -> Transaction:
    tx = build_unsigned([OutPoint(f"{number:064x}", 0)], [TxOutput(Sat(number), b"\x51"), TxOutput(Sat(0), b"")])
    return with_witnesses(tx, [(b"sig" * number, b"")]) if witness else tx


TRANSACTIONS = [payment(number, witness=number % 2 == 0) for number in range(1, 6)]


def root(hashes: list[bytes]) -> bytes:
    """As the white paper has it, for as many as there are."""
    if len(hashes) == 1:
        return hashes[0]
    pairs = [hashes[at : at + 2] for at in range(0, len(hashes), 2)]
    return root([sha256d(pair[0] + pair[-1]) for pair in pairs])


def block_of(transactions: list[bytes], ids: list[str]) -> tuple[bytes, str]:
    """A block of these transactions, which cost no work, and its hash."""
    header = bytes(4) + b"\xab" * 32 + root([bytes.fromhex(each)[::-1] for each in ids]) + (77).to_bytes(12, "little")
    return header + compact_size(len(transactions)) + b"".join(transactions), sha256d(header)[::-1].hex()


RAW, HASH = block_of([tx.raw for tx in TRANSACTIONS], [tx.txid for tx in TRANSACTIONS])


def test_the_first_block() -> None:
    block = Block.parse(GENESIS, GENESIS_HASH)
    assert (block.previous, block.time) == ("00" * 32, 1_231_006_505)
    ((outpoint, output),) = block.outputs()
    assert outpoint == OutPoint("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", 0)
    assert (output.amount, len(output.script)) == (50 * COIN, 67)


def test_transactions_with_and_without_witnesses_pay_what_they_say() -> None:
    block = Block.parse(RAW, HASH)
    assert (block.hash, block.previous, block.time) == (HASH, "ab" * 32, 77)
    assert block.payments == tuple((tx.txid, tx.outputs) for tx in TRANSACTIONS)
    assert [outpoint.vout for outpoint, _ in block.outputs()] == [0, 1] * 5


def test_what_is_mined_but_never_relayed_can_be_read() -> None:
    """A transaction of 3.9 million weight units: consensus takes it, and so must whoever reads blocks."""
    heavy = build_unsigned([OutPoint("11" * 32, 0)], [TxOutput(Sat(1), b"\x6a" + bytes(100))])
    raw = heavy.raw[:4] + b"\x00\x01" + heavy.raw[4:-4] + b"\x01" + with_length(bytes(3_800_000)) + heavy.raw[-4:]
    with pytest.raises(InputError):
        Transaction(raw)
    block, block_hash = block_of([GENESIS_COINBASE, raw], [Transaction(GENESIS_COINBASE).txid, heavy.txid])
    assert Block.parse(block, block_hash).payments[1] == (heavy.txid, heavy.outputs)


@pytest.mark.parametrize(
    ("raw", "block_hash", "says"),
    [
        (b"", HASH, "ends too early"),
        (RAW[:79], HASH, "ends too early"),
        (RAW[:80], HASH, "ends too early"),
        (RAW[:-1], HASH, "ends too early"),
        (RAW + b"\x00", HASH, "stands behind it"),
        (RAW, GENESIS_HASH, "another hash"),
        (RAW, HASH.upper(), "another hash"),
        (RAW[:80] + b"\x00", HASH, "impossible number"),
        (RAW[:80] + b"\xfe\xff\xff\xff\xff", HASH, "impossible number"),
        (RAW[:80] + b"\xfd\x05\x00" + RAW[81:], HASH, "longer than needed"),
        (RAW[:80] + b"\x05\x00\x00\x00\x00\x00\x00" + RAW[81:], HASH, "no inputs"),
        (RAW[:80] + GENESIS[80:], HASH, "not those of its header"),
        (bytes(MAX_BLOCK_BYTES + 1), HASH, "too large"),
    ],
)
def test_what_is_not_that_block_is_refused(raw: bytes, block_hash: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Block.parse(raw, block_hash)


def test_a_block_that_repeats_its_transactions_is_refused() -> None:
    """CVE-2012-2459: the last of five is repeated for the same root as once."""
    twice = RAW[:80] + b"\x06" + RAW[81:] + TRANSACTIONS[-1].raw
    with pytest.raises(InputError, match="repeats"):
        Block.parse(twice, HASH)


@given(at=st.integers(0, len(RAW) - 1), bit=st.integers(0, 7))
def test_a_changed_bit_is_seen_or_pays_nobody_else(at: int, bit: int) -> None:
    """Witnesses are not covered by the hash of the block: they alone may change."""
    changed = bytearray(RAW)
    changed[at] ^= 1 << bit
    try:
        block = Block.parse(bytes(changed), HASH)
    except InputError:
        return
    assert block == Block.parse(RAW, HASH)
    assert at > 80


@given(st.binary(max_size=400))
def test_no_bytes_are_a_fault_of_ours(tail: bytes) -> None:
    with pytest.raises(InputError):
        Block.parse(RAW[:80] + tail, HASH)
