"""Blocks as bytes: whom their transactions pay.

This reader is for what is in the chain already, so it takes whatever consensus takes: a transaction that is too heavy
to be relayed, or of a strange shape, must not keep anybody from reading the block. What it gives is covered by the
block's hash, which covers the ids of the transactions but not their witnesses: those are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rein.btc.amounts import Sat
from rein.btc.encoding import Reader, compact_size
from rein.btc.hashes import sha256d
from rein.btc.merkle import merkle_root
from rein.btc.transaction import OutPoint, TxOutput
from rein.errors import InputError

MAX_BLOCK_BYTES: Final = 4_000_000
"""Each byte weighs at least one, and a block 4,000,000 at most (BIP141)."""

_HEADER: Final = 80
_LEAST_TRANSACTION: Final = 60
_OUTPOINT: Final = 36


@dataclass(frozen=True)
class Block:
    """A block: its hash and that of the one before it, as people write them, its time in seconds since 1970, and what
    its transactions pay."""

    hash: str
    previous: str
    time: int
    payments: tuple[tuple[str, tuple[TxOutput, ...]], ...]
    """The id and the outputs of each transaction, in their order."""

    @classmethod
    def parse(cls, raw: bytes, block_hash: str) -> Block:
        """Read the block of that hash. InputError if the bytes are not exactly that block."""
        if len(raw) > MAX_BLOCK_BYTES:
            raise InputError("that is far too large for a block")
        try:
            reader = Reader(raw)
            header = reader.take(_HEADER)
            if sha256d(header)[::-1].hex() != block_hash:
                raise ValueError("it has another hash")
            count = reader.compact_size()
            if not 0 < count <= MAX_BLOCK_BYTES // _LEAST_TRANSACTION:
                raise ValueError("it counts an impossible number of transactions")
            read = [_read_transaction(reader) for _ in range(count)]
            if not reader.at_end:
                raise ValueError("something stands behind it")
            if merkle_root([txid for txid, _ in read], refuse_repeats=True) != header[36:68]:
                raise ValueError("its transactions are not those of its header")
        except (ValueError, InputError) as error:
            raise InputError(f"that is not block {block_hash}: {error}") from None
        payments = tuple((txid[::-1].hex(), outputs) for txid, outputs in read)
        return cls(block_hash, header[4:36][::-1].hex(), int.from_bytes(header[68:72], "little"), payments)

    def outputs(self) -> Iterator[tuple[OutPoint, TxOutput]]:
        """Every output, and where it is."""
        for txid, outputs in self.payments:
            for vout, output in enumerate(outputs):
                yield OutPoint(txid, vout), output


def _read_transaction(reader: Reader) -> tuple[bytes, tuple[TxOutput, ...]]:
    """The hash that a transaction's id is (in the order it is hashed in), and its outputs. ValueError otherwise."""
    version = reader.take(4)
    count = reader.compact_size()
    has_witness = count == 0
    if has_witness:
        if reader.take(1) != b"\x01":
            raise ValueError("a transaction has no inputs")
        count = reader.compact_size()
    inputs = b"".join([reader.take(_OUTPOINT) + _string(reader) + reader.take(4) for _ in range(count)])
    outputs = tuple(_read_output(reader) for _ in range(reader.compact_size()))
    if has_witness:
        for _ in range(count):
            for _ in range(reader.compact_size()):
                reader.string()
    locktime = reader.take(4)
    paid = b"".join([output.to_bytes() for output in outputs])
    parts = (version, compact_size(count), inputs, compact_size(len(outputs)), paid, locktime)
    return sha256d(b"".join(parts)), outputs


def _string(reader: Reader) -> bytes:
    data = reader.string()
    return compact_size(len(data)) + data


def _read_output(reader: Reader) -> TxOutput:
    amount = int.from_bytes(reader.take(8), "little")
    return TxOutput(Sat(amount), reader.string())
