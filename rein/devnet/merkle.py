"""Merkle trees of transactions, and BIP37's partial trees: the proof that a transaction is in a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rein.btc.encoding import compact_size
from rein.btc.hashes import sha256d
from rein.errors import InputError

HEADER_SIZE: Final = 80
HASH_SIZE: Final = 32
MAX_TRANSACTIONS: Final = 4_000_000 // 60  # Core: no transaction is smaller than 60 bytes


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """The root over one or more hashes (internal byte order); an odd level repeats its last hash."""
    level = list(hashes)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [sha256d(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


@dataclass(frozen=True)
class MerkleProof:
    """A block header with a partial merkle tree, serialised as Core's CMerkleBlock."""

    header: bytes
    total: int
    hashes: tuple[bytes, ...]
    bits: tuple[bool, ...]

    @classmethod
    def build(cls, header: bytes, txids: Sequence[bytes], wanted: set[bytes]) -> MerkleProof:
        """The proof that the `wanted` ids are among `txids` (internal byte order) of the block."""
        levels = [list(txids)]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append(
                [
                    merkle_root(below[i : i + 2] if i + 1 < len(below) else below[i:] * 2)
                    for i in range(0, len(below), 2)
                ]
            )
        hashes: list[bytes] = []
        bits: list[bool] = []

        def descend(height: int, position: int) -> None:
            holds = any(txid in wanted for txid in txids[position << height : (position + 1) << height])
            bits.append(holds)
            if height == 0 or not holds:
                hashes.append(levels[height][position])
                return
            descend(height - 1, position * 2)
            if position * 2 + 1 < len(levels[height - 1]):
                descend(height - 1, position * 2 + 1)

        descend(len(levels) - 1, 0)
        return cls(header, len(txids), tuple(hashes), tuple(bits))

    def serialize(self) -> bytes:
        flags = bytearray((len(self.bits) + 7) // 8)
        for i, bit in enumerate(self.bits):
            flags[i // 8] |= bit << (i % 8)
        return b"".join(
            (
                self.header,
                self.total.to_bytes(4, "little"),
                compact_size(len(self.hashes)),
                *self.hashes,
                compact_size(len(flags)),
                bytes(flags),
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> MerkleProof:
        """InputError when the bytes are not such a proof."""
        count, at = _small_size(data, HEADER_SIZE + 4)
        hashes = tuple(data[at + i * HASH_SIZE : at + (i + 1) * HASH_SIZE] for i in range(count))
        length, start = _small_size(data, at + count * HASH_SIZE)
        flags = data[start:]
        if len(flags) != length:
            raise InputError("the merkle proof is not as long as it says")
        bits = tuple(bool(flags[i // 8] >> (i % 8) & 1) for i in range(length * 8))
        return cls(data[:HEADER_SIZE], int.from_bytes(data[HEADER_SIZE : HEADER_SIZE + 4], "little"), hashes, bits)

    def matches(self) -> list[bytes]:
        """The ids it proves to be under the header's merkle root; InputError when it proves nothing.

        The rules are those of Core's CPartialMerkleTree::ExtractMatches, against CVE-2012-2459 among others.
        """
        if not 0 < self.total <= MAX_TRANSACTIONS or len(self.hashes) > self.total:
            raise InputError("the merkle proof counts an impossible number of transactions")
        found: list[bytes] = []
        hashes, bits = iter(self.hashes), iter(self.bits)
        used = [0, 0]

        def width(height: int) -> int:
            return (self.total + (1 << height) - 1) >> height

        def descend(height: int, position: int) -> bytes:
            holds = next(bits)
            used[0] += 1
            if height == 0 or not holds:
                digest = next(hashes)
                used[1] += 1
                if holds:
                    found.append(digest)
                return digest
            left = right = descend(height - 1, position * 2)
            if position * 2 + 1 < width(height - 1):
                right = descend(height - 1, position * 2 + 1)
                if right == left:
                    raise InputError("the merkle proof repeats a branch")
            return sha256d(left + right)

        top = 0
        while width(top) > 1:
            top += 1
        try:
            root = descend(top, 0)
        except StopIteration:
            raise InputError("the merkle proof ends too early") from None
        if (used[0] + 7) // 8 != len(self.bits) // 8 or any(self.bits[used[0] :]) or used[1] != len(self.hashes):
            raise InputError("the merkle proof carries more than it needs")
        if root != self.header[36:68]:
            raise InputError("the merkle proof is of another block")
        return found


def _small_size(data: bytes, at: int) -> tuple[int, int]:
    """A canonical compact size at that position and the position after it; InputError otherwise."""
    first = data[at : at + 1]
    if not first:
        raise InputError("the merkle proof ends too early")
    width = {0xFD: 2, 0xFE: 4}.get(first[0], 0)
    value = int.from_bytes(data[at + 1 : at + 1 + width], "little") if width else first[0]
    if compact_size(value) != data[at : at + 1 + width] or value > MAX_TRANSACTIONS * 2:
        raise InputError("the merkle proof has a length that cannot be")
    return value, at + 1 + width
