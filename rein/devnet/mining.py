"""Making blocks: a coinbase with its witness commitment (BIP141), a header, and regtest's proof of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rein.btc.amounts import COIN, Sat
from rein.btc.encoding import compact_size, with_length
from rein.btc.hashes import sha256d
from rein.btc.merkle import merkle_root
from rein.btc.transaction import Transaction

VERSION: Final = 0x20000000
BITS: Final = 0x207FFFFF
TARGET: Final = 0x7FFFFF << (8 * (0x20 - 3))
HALVING_INTERVAL: Final = 150  # blocks, on regtest
MAX_BLOCK_WEIGHT: Final = 4_000_000
RESERVED_WEIGHT: Final = 8_000  # header and coinbase, as Core reserves

_WITNESS_RESERVED_VALUE: Final = bytes(32)
_COMMITMENT_HEAD: Final = bytes.fromhex("6a24aa21a9ed")
_NO_OUTPOINT: Final = bytes(32) + b"\xff" * 4
_FINAL_SEQUENCE: Final = b"\xff" * 4


def subsidy(height: int) -> Sat:
    """What a block may create, in satoshis: 50 bitcoin, halved every 150 blocks."""
    halvings = height // HALVING_INTERVAL
    return Sat(50 * COIN >> halvings) if halvings < 64 else Sat(0)


def _script_number(number: int) -> bytes:
    """BIP34's height as the script that pushes it, in its one minimal form: 1..16 are a single opcode."""
    if 1 <= number <= 16:
        return bytes([0x50 + number])
    return with_length(number.to_bytes(number.bit_length() // 8 + 1, "little"))


def coinbase(height: int, script: bytes, reward: Sat, commitment: bytes, extranonce: int) -> tuple[bytes, bytes]:
    """The coinbase transaction, without its witness (what txids are made of) and with it."""
    script_sig = _script_number(height) + with_length(extranonce.to_bytes(8, "little"))
    outputs = (reward, script), (0, _COMMITMENT_HEAD + commitment)
    core = b"".join(
        (
            compact_size(1),
            _NO_OUTPOINT,
            with_length(script_sig),
            _FINAL_SEQUENCE,
            compact_size(len(outputs)),
            *(amount.to_bytes(8, "little") + with_length(spk) for amount, spk in outputs),
        )
    )
    version, locktime = (2).to_bytes(4, "little"), bytes(4)
    witness = compact_size(1) + with_length(_WITNESS_RESERVED_VALUE)
    return version + core + locktime, version + b"\x00\x01" + core + witness + locktime


def assemble(
    *,
    previous: str,
    height: int,
    time: int,
    script: bytes,
    transactions: Sequence[Transaction] = (),
    fees: int = 0,
    extranonce: int = 0,
) -> bytes:
    """A raw block on top of `previous` that pays subsidy and `fees` (satoshis) to `script`.

    `extranonce` makes two otherwise equal blocks differ. Nothing is checked: tests make bad blocks with it.
    """
    wtxids = [bytes(32), *(bytes.fromhex(tx.wtxid)[::-1] for tx in transactions)]
    commitment = sha256d(merkle_root(wtxids) + _WITNESS_RESERVED_VALUE)
    reward = Sat(subsidy(height) + fees)
    stripped, full = coinbase(height, script, reward, commitment, extranonce)
    txids = [sha256d(stripped), *(bytes.fromhex(tx.txid)[::-1] for tx in transactions)]
    header = prove_work(
        VERSION.to_bytes(4, "little")
        + bytes.fromhex(previous)[::-1]
        + merkle_root(txids)
        + time.to_bytes(4, "little")
        + BITS.to_bytes(4, "little")
    )
    return b"".join((header, compact_size(1 + len(transactions)), full, *(tx.raw for tx in transactions)))


def prove_work(header: bytes) -> bytes:
    """The 76 bytes of a header with a nonce that meets regtest's target: two tries on average."""
    nonce = 0
    while True:
        candidate = header + nonce.to_bytes(4, "little")
        if int.from_bytes(sha256d(candidate), "little") <= TARGET:
            return candidate
        nonce += 1
