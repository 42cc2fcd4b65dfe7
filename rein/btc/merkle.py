"""Merkle trees of transactions, and proofs that a transaction is in a block.

`MerkleProof` is one transaction's branch, in which everybody's proofs are checked. `MerkleBlock` is the form in which
Bitcoin Core hands proofs out: a header with a partial tree (BIP37).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rein.btc.amounts import MAX_MONEY
from rein.btc.encoding import compact_size
from rein.btc.hashes import sha256d
from rein.btc.header import HEADER_BYTES, BlockHeader
from rein.errors import InputError

HASH_SIZE: Final = 32
_HASH: Final = re.compile(r"[0-9a-f]{64}")
MAX_TRANSACTIONS: Final = 4_000_000 // 60  # Core: no transaction is smaller than 60 bytes
MAX_DEPTH: Final = (MAX_TRANSACTIONS - 1).bit_length()


def merkle_root(hashes: Sequence[bytes], *, refuse_repeats: bool = False) -> bytes:
    """The root over one or more hashes (internal byte order); an odd level repeats its last hash.

    :raises InputError: two neighbours are the same, so that another list has the same root (CVE-2012-2459).
    """
    level = list(hashes)
    while len(level) > 1:
        if refuse_repeats and any(level[at] == level[at + 1] for at in range(0, len(level) - 1, 2)):
            raise InputError("it repeats its transactions")
        if len(level) % 2:
            level.append(level[-1])
        level = [sha256d(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


@dataclass(frozen=True)
class MerkleProof:
    """That a transaction is the `position`-th of a block: the hashes beside its path, from the leaf to the root, in
    internal byte order. InputError if no block has such a place."""

    txid: str
    position: int
    branch: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if _HASH.fullmatch(self.txid) is None or any(len(each) != HASH_SIZE for each in self.branch):
            raise InputError("the merkle proof is not made of hashes")
        if len(self.branch) > MAX_DEPTH or not 0 <= self.position < 1 << len(self.branch):
            raise InputError("the merkle proof is of a place that no block has")

    def root(self) -> bytes:
        """The root of the tree that holds the transaction there.

        :raises InputError: the tree repeats a branch as no honest one does (CVE-2012-2459), or one of its nodes could
            itself be a transaction (CVE-2017-12842): a miner may have made it, and what hangs below may be anything.
        """
        node, place = bytes.fromhex(self.txid)[::-1], self.position
        for beside in self.branch:
            if place & 1 and beside == node:
                raise InputError("the merkle proof repeats a branch")
            pair = beside + node if place & 1 else node + beside
            if _could_be_transaction(pair):
                raise InputError("the merkle proof has a node that could be a transaction")
            node, place = sha256d(pair), place >> 1
        return node


def _could_be_transaction(node: bytes) -> bool:
    """Whether 64 bytes read as a transaction: one input, one output, and scripts of four bytes together.

    Two hashes beside each other do so once in a billion times, by chance."""
    in_length = node[41]
    if node[4] != 1 or in_length > 4 or node[46 + in_length] != 1 or node[55 + in_length] != 4 - in_length:
        return False
    return int.from_bytes(node[47 + in_length : 55 + in_length], "little") <= MAX_MONEY


@dataclass(frozen=True)
class MerkleBlock:
    """A block header with a partial merkle tree, serialised as Core's CMerkleBlock. The header is not judged here."""

    header: bytes
    total: int
    hashes: tuple[bytes, ...]
    bits: tuple[bool, ...]

    @classmethod
    def build(cls, header: bytes, txids: Sequence[bytes], wanted: set[bytes]) -> MerkleBlock:
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
    def parse(cls, data: bytes) -> MerkleBlock:
        """InputError when the bytes are not such a proof."""
        count, at = _small_size(data, HEADER_BYTES + 4)
        hashes = tuple(data[at + i * HASH_SIZE : at + (i + 1) * HASH_SIZE] for i in range(count))
        length, start = _small_size(data, at + count * HASH_SIZE)
        flags = data[start:]
        if len(flags) != length:
            raise InputError("the merkle proof is not as long as it says")
        bits = tuple(bool(flags[i // 8] >> (i % 8) & 1) for i in range(length * 8))
        return cls(data[:HEADER_BYTES], int.from_bytes(data[HEADER_BYTES : HEADER_BYTES + 4], "little"), hashes, bits)

    def matches(self) -> list[bytes]:
        """The ids it proves to be under the header's merkle root; InputError when it proves nothing."""
        nodes, places = self._walk()
        return [nodes[0, place] for place in places]

    def proof_of(self, txid: str) -> MerkleProof:
        """The branch of one transaction; InputError when it proves nothing of that one."""
        nodes, places = self._walk()
        leaf = bytes.fromhex(txid)[::-1]
        place = next((each for each in places if nodes[0, each] == leaf), None)
        if place is None:
            raise InputError("the merkle proof is of another transaction")
        levels = range((self.total - 1).bit_length())
        # An odd level repeats its last hash.
        branch = [nodes.get((level, place >> level ^ 1), nodes[level, place >> level]) for level in levels]
        return MerkleProof(txid, place, tuple(branch))

    def _walk(self) -> tuple[dict[tuple[int, int], bytes], list[int]]:
        """Every node by level and place, and the places of the leaves it proves. InputError when it proves nothing.

        The rules are those of Core's CPartialMerkleTree::ExtractMatches, against CVE-2012-2459 among others.
        """
        if not 0 < self.total <= MAX_TRANSACTIONS or len(self.hashes) > self.total:
            raise InputError("the merkle proof counts an impossible number of transactions")
        nodes: dict[tuple[int, int], bytes] = {}
        places: list[int] = []
        hashes, bits = iter(self.hashes), iter(self.bits)
        used = [0, 0]

        def width(height: int) -> int:
            return (self.total + (1 << height) - 1) >> height

        def descend(height: int, position: int) -> bytes:
            holds = next(bits)
            used[0] += 1
            if height == 0 or not holds:
                nodes[height, position] = next(hashes)
                used[1] += 1
                if holds:
                    places.append(position)
                return nodes[height, position]
            left = right = descend(height - 1, position * 2)
            if position * 2 + 1 < width(height - 1):
                right = descend(height - 1, position * 2 + 1)
                if right == left:
                    raise InputError("the merkle proof repeats a branch")
            nodes[height, position] = sha256d(left + right)
            return nodes[height, position]

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
        return nodes, places


def proof_in_block(data: bytes, txid: str, block_hash: str) -> MerkleProof:
    """What `gettxoutproof` of Bitcoin Core says of one transaction and one block.

    :raises InputError: it is not a proof, or of another transaction or block.
    """
    proof = MerkleBlock.parse(data)
    header = BlockHeader(proof.header)
    if header.hash != block_hash:
        raise InputError("the merkle proof is of another block")
    found = proof.proof_of(txid)
    if found.root() != header.merkle_root:
        raise InputError("the merkle proof does not lead to the block")
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
