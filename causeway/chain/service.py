"""Queries to the operator's node."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from causeway.chain.scans import Scans
from causeway.errors import (
    BadParameterError,
    BlockNotFoundError,
    ChainDownError,
    NoChainError,
    TransactionNotFoundError,
    TransactionRejectedError,
)
from rein.btc.header import BlockHeader
from rein.btc.merkle import MerkleProof
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.source import BlockRef, ChainSource, FoundTransaction, Output
from rein.errors import ChainError, ReinError, RejectedError

T = TypeVar("T")

MAX_TRANSACTION_BYTES: Final = 20_000
"""Ten times the largest payment of an escrow, and far below what nodes relay."""

TIP_SECONDS: Final = 5
"""How long an answer about the tip is good."""


NODE_TIMEOUT_S: Final = 5
"""How long a request waits for the node, or for its turn to ask it: one is asked at a time."""


class Node:
    """The operator's node, or none.

    :param scanning: the same node over a connection of its own, for scans: they take their time.
    """

    def __init__(
        self,
        chain: ChainSource | None,
        scanning: ChainSource | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain = chain
        self._scans = None if scanning is None else Scans(scanning)
        self._clock = clock
        self._lock = threading.Lock()
        self._tip: BlockRef | None = None
        self._tip_until = -1.0

    def tip(self) -> BlockRef | None:
        """The last block, as of some seconds ago at most; None where there is no node or it does not answer."""
        if self._chain is None:
            return None
        # Whoever finds the answer too old asks; all others take the old one meanwhile.
        if self._clock() >= self._tip_until and self._lock.acquire(blocking=False):
            try:
                self._tip = self._chain.tip()
            except ChainError:
                self._tip = None
            finally:
                self._tip_until = self._clock() + TIP_SECONDS
                self._lock.release()
        return self._tip

    def by_depth(self, depth: int) -> BlockRef:
        """The block that has so many above it."""

        def find(chain: ChainSource) -> BlockRef:
            tip = chain.tip()
            if depth > tip.height:
                raise BlockNotFoundError("Bad depth", hint=f"The chain has {tip.height} blocks above its first.")
            return chain.block_at(tip.height - depth)

        return self._ask(find)

    def by_height(self, height: int) -> BlockRef:
        """The block at a height."""

        def find(chain: ChainSource) -> BlockRef:
            if height > chain.tip().height:
                raise BlockNotFoundError("the chain has no block at that height yet")
            return chain.block_at(height)

        return self._ask(find)

    def by_hash(self, block_hash: str) -> BlockRef:
        """The block of that hash."""
        block = self._ask(lambda chain: chain.block(block_hash))
        if block is None:
            raise BlockNotFoundError("the best chain has no block of that hash")
        return block

    def send(self, raw: str) -> str:
        """Hand a transaction (hex) to the network; its id."""
        try:
            transaction = Transaction(bytes.fromhex(raw))
        except (ValueError, ReinError) as error:
            raise BadParameterError("the parameter 'tx' is not a transaction in hex") from error
        return self._ask(lambda chain: chain.broadcast(transaction))

    def headers(self, height: int, count: int) -> list[BlockHeader]:
        """Headers from a height on; fewer at the tip."""

        def find(chain: ChainSource) -> list[BlockHeader]:
            if height > chain.tip().height:
                raise BlockNotFoundError("the chain has no block at that height yet")
            return chain.headers(height, count)

        return self._ask(find)

    def unspent(self, scripts: frozenset[bytes]) -> list[Output]:
        """The confirmed unspent outputs of scripts, of each the MAX_OUTPUTS largest, the largest first."""
        if self._scans is None:
            raise _no_chain()
        try:
            return self._scans.find(scripts)
        except ChainError as error:
            raise _no_answer() from error

    def output(self, outpoint: OutPoint) -> Output | None:
        """An unspent output, mempool included."""
        return self._ask(lambda chain: chain.unspent_output(outpoint))

    def transaction(self, txid: str, block_hash: str | None) -> FoundTransaction:
        """A transaction, and where it is."""
        found = self._ask(lambda chain: chain.find_transaction(txid, block_hash))
        if found is None:
            raise TransactionNotFoundError(
                "the node has no such transaction",
                hint=None if block_hash else "Name its block: most nodes find confirmed ones only so.",
            )
        return found

    def proof(self, txid: str, block_hash: str) -> MerkleProof:
        """That a transaction is in a block."""
        found = self._ask(lambda chain: chain.merkle_proof(txid, block_hash))
        if found is None:
            raise TransactionNotFoundError("the node knows no such block with that transaction")
        return found

    def feerate(self, target_blocks: int) -> int | None:
        """Satoshis per virtual byte to confirm within so many blocks, as the node estimates; None if it cannot."""
        return self._ask(lambda chain: chain.feerate(target_blocks))

    def _ask(self, question: Callable[[ChainSource], T]) -> T:
        if self._chain is None:
            raise _no_chain()
        if not self._lock.acquire(timeout=NODE_TIMEOUT_S):
            raise _no_answer()
        try:
            return question(self._chain)
        except RejectedError as error:
            raise TransactionRejectedError(error.message) from error
        except ChainError as error:
            # Its message may name the operator's node.
            raise _no_answer() from error
        finally:
            self._lock.release()


def _no_chain() -> NoChainError:
    return NoChainError("Bitcoin Core is not available here", hint="Ask your own node, or another server.")


def _no_answer() -> ChainDownError:
    return ChainDownError("the server's Bitcoin node does not answer", hint="Try again in a moment.")
