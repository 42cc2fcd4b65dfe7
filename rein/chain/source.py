"""The seam between Rein and the chain: what may be asked, whoever answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rein.btc.amounts import Sat
from rein.btc.block import Block
from rein.btc.header import BlockHeader
from rein.btc.merkle import MerkleProof
from rein.btc.networks import Network
from rein.btc.transaction import OutPoint, Transaction

MAX_HEADERS: Final = 2016
"""How many headers may be asked for at once."""
MAX_OUTPUTS: Final = 50
"""Outputs of one script that are looked at, the largest: strangers decide how many there are. A payment from an escrow
spends 8 at most, so whoever wants to push what matters out of sight must pay in more than that, 50 times."""


@dataclass(frozen=True)
class BlockRef:
    """One block of the best chain. `hash` as people write it; `time` is its header's, in seconds since 1970."""

    hash: str
    height: int
    time: int


@dataclass(frozen=True)
class Output:
    """One unspent output. `height` is None and `confirmations` 0 while its transaction waits in the mempool."""

    outpoint: OutPoint
    amount: Sat
    script: bytes
    height: int | None
    confirmations: int


def largest(outputs: Iterable[Output]) -> list[Output]:
    """Of each script the MAX_OUTPUTS largest, all of them largest first; of equal ones those that lie deepest."""
    of_script: defaultdict[bytes, list[Output]] = defaultdict(list)
    for output in sorted(outputs, key=lambda each: (-each.amount, -each.confirmations, each.outpoint)):
        of_script[output.script].append(output)
    kept = [each for each_list in of_script.values() for each in each_list[:MAX_OUTPUTS]]
    return sorted(kept, key=lambda each: (-each.amount, -each.confirmations, each.outpoint))


@dataclass(frozen=True)
class FoundTransaction:
    """A transaction and where it is: `block` is None and `confirmations` 0 while it waits in the mempool."""

    transaction: Transaction
    block: BlockRef | None
    confirmations: int


class ChainSource(Protocol):
    """Answers questions about one network's best chain.

    Every method raises ChainError when the source cannot answer or answers nonsense, and nothing else. A source
    sees the world at the moment of each call: a block may arrive, or leave, between two calls.
    """

    @property
    def network(self) -> Network: ...

    def tip(self) -> BlockRef:
        """The last block of the best chain."""
        ...

    def block_at(self, height: int) -> BlockRef:
        """The block of the best chain at that height. ChainError beyond the tip."""
        ...

    def block(self, block_hash: str) -> BlockRef | None:
        """The block of that hash; None when it is unknown or not on the best chain."""
        ...

    def headers(self, height: int, count: int) -> list[BlockHeader]:
        """That many headers of the best chain from that height on, each following the one before; fewer at the tip.

        At most MAX_HEADERS. ChainError beyond the tip.
        """
        ...

    def merkle_proof(self, txid: str, block_hash: str) -> MerkleProof | None:
        """Where the block holds the transaction, proved against the block's header; None when it does not hold it."""
        ...

    def unspent_outputs(self, scripts: Sequence[bytes]) -> list[Output]:
        """The confirmed unspent outputs paying to any of the scripts, in one scan.

        A server shows of each script the MAX_OUTPUTS largest; a node of one's own shows all (`largest` leaves those).
        """
        ...

    def unspent_output(self, outpoint: OutPoint) -> Output | None:
        """That output, mempool included; None when it is unknown, or spent in a block or in the mempool."""
        ...

    def transaction(self, txid: str, block_hash: str | None = None) -> Transaction | None:
        """The transaction, checked to have that id; None when this source does not have it.

        A node without a transaction index finds a confirmed transaction only with the hash of its block.
        """
        ...

    def find_transaction(self, txid: str, block_hash: str | None = None) -> FoundTransaction | None:
        """The transaction with its block and confirmations; None when this source does not have it."""
        ...

    def broadcast(self, tx: Transaction) -> str:
        """Hand the transaction to the network and answer its txid; so does a second time.

        RejectedError carries the reason when the network's rules refuse it.
        """
        ...

    def feerate(self, target_blocks: int = 6) -> int | None:
        """The estimated feerate in sat/vB, rounded up, to confirm within so many blocks; None without estimate."""
        ...


class BlockSource(ChainSource, Protocol):
    """A source that has whole blocks, as a node of one's own has."""

    def read_block(self, block_hash: str) -> Block:
        """What is in the block of that hash, checked to have it. ChainError when this source does not have it."""
        ...
