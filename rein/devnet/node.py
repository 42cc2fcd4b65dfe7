"""The node: journal, kernel, chain and mempool joined, usable in process without HTTP."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from time import time as now
from types import TracebackType
from typing import Final, Self

from rein.btc.networks import REGTEST, Network
from rein.btc.transaction import Transaction
from rein.devnet.acceptance import Acceptance, Candidate
from rein.devnet.chainstate import Block, ChainState
from rein.devnet.journal import DataLock, Journal, Kind, Record, block_hash
from rein.devnet.kernel import Kernel
from rein.devnet.mempool import Entry, Mempool
from rein.devnet.mining import MAX_BLOCK_WEIGHT, RESERVED_WEIGHT, assemble
from rein.errors import ChainError, InputError, NotFoundError, RejectedError

JOURNAL_NAME: Final = "blocks.journal"
KERNEL_DIRECTORY: Final = "kernel"

CLOCK_REASON: Final = "time-too-new"  # more than two hours ahead
DUPLICATE: Final = "duplicate"
DUPLICATE_INVALID: Final = "duplicate-invalid"
INCONCLUSIVE: Final = "inconclusive"
"""Core's answer (BIP22) for a block that was stored but lies on a branch with less work."""


class Node:
    """A regtest node over one data directory. Every method takes the node's lock; hashes are as people write them.

    What a method has returned is on disk: the process may be killed right after.
    """

    network: Network = REGTEST

    def __init__(self, data: Path, lock: DataLock | None = None) -> None:
        """Open the directory, made if absent, and replay its journal. `lock` if the caller holds it already.

        InputError without pbk, when another node has the directory, or when its journal is damaged or not regtest's.
        """
        self.lock = threading.RLock()
        self._closed = False
        self._scratch = data / KERNEL_DIRECTORY
        self._directory = lock or DataLock(data)
        try:
            self._journal = Journal(data / JOURNAL_NAME, REGTEST.genesis_hash)
            try:
                self._start()
            except BaseException:
                self._journal.close()
                raise
        except BaseException:
            self._directory.release()
            raise

    def _start(self) -> None:
        self._kernel = Kernel(self._scratch)
        try:
            genesis = self._kernel.genesis()
            if self._journal.empty:
                self._journal.append([Record(Kind.BLOCK, genesis)])
            self._invalid: set[str] = set()
            self.mempool = Mempool()
            self.chain = ChainState(genesis, self._parse_transactions(genesis) or [])
            self._replay()
        except BaseException:
            self._kernel.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop for good. The journal needs no flush: every record in it is on disk already."""
        with self.lock:
            self._closed = True
            self._kernel.close()
            self._journal.close()
            self._directory.release()

    def check_usable(self) -> None:
        """ChainError after `close`; StoreError once the journal could not be written, as memory then knows too much."""
        if self._closed:
            raise ChainError("the node has been stopped")
        self._journal.check_usable()

    # Starting again

    def _replay(self) -> None:
        """Feed the kernel every block that was never invalidated, then offer the mempool what is unconfirmed."""
        waiting: list[Transaction] = []
        lines: dict[str, int] = {}
        for number, record in enumerate(self._journal.records(), start=1):
            if record.kind is Kind.BLOCK and number > 1:
                lines[self._replay_block(record.payload, number).hash] = number
            elif record.kind is Kind.TX:
                waiting.append(self._replay_transaction(record.payload, number))
            elif record.kind is Kind.INVALIDATE:
                if record.payload.hex() not in self.chain.blocks:
                    raise self._journal.damage(number, "no block before it has that hash")
                self._invalid.add(record.payload.hex())
            elif record.kind is Kind.RECONSIDER:
                self._invalid.discard(record.payload.hex())
        self._feed_kernel(lines)
        self._follow_kernel()
        stale = (block for block in self.chain.blocks.values() if not self.chain.is_active(block))
        self._offer([*(tx for block in stale for tx in block.transactions[1:]), *waiting])

    def _replay_block(self, raw: bytes, line: int) -> Block:
        transactions = self._parse_transactions(raw)
        if transactions is None:
            raise self._journal.damage(line, "it is not a block")
        if raw[4:36][::-1].hex() not in self.chain.blocks:
            raise self._journal.damage(line, "the block before it is missing")
        if block_hash(raw) in self.chain.blocks:
            raise self._journal.damage(line, "the block came before")
        return self.chain.add(raw, transactions)

    def _replay_transaction(self, raw: bytes, line: int) -> Transaction:
        try:
            return Transaction(raw)
        except InputError as error:
            raise self._journal.damage(line, "it is not a transaction") from error

    def _feed_kernel(self, lines: dict[str, int]) -> None:
        """Give a fresh kernel the known blocks in the order they came. `lines` says where each was journaled."""
        left_out: set[str] = set()
        for block in list(self.chain.blocks.values())[1:]:
            if block.hash in self._invalid or block.previous in left_out:
                left_out.add(block.hash)
                continue
            verdict = self._kernel.submit(block.raw)
            if verdict.accepted:
                continue
            if verdict.reason == CLOCK_REASON:
                raise InputError(
                    f"block {block.hash} of the journal is from the future",
                    hint="this machine's clock was set back: set it right, or wait",
                )
            if not verdict.new:
                raise self._journal.damage(lines.get(block.hash, 0), verdict.reason)
            # It was stored on a branch nobody looked at; without the blocks that outweighed it, it is found bad.
            left_out.add(block.hash)

    def _banned(self) -> set[str]:
        """The invalidated blocks and all that were built on them."""
        banned: set[str] = set()
        if not self._invalid:
            return banned
        for block in self.chain.blocks.values():  # a parent always comes before its children
            if block.hash in self._invalid or block.previous in banned:
                banned.add(block.hash)
        return banned

    def _parse_transactions(self, raw: bytes) -> list[Transaction] | None:
        """A raw block's transactions; None when the bytes are not a block Rein can read."""
        pieces = self._kernel.transactions(raw)
        try:
            return None if pieces is None else [Transaction(piece) for piece in pieces]
        except InputError:
            return None

    # Blocks

    def submit_block(self, raw: bytes) -> str | None:
        """Submit a block. None when it is now the tip, else Core's (BIP22) reason. InputError when it is malformed."""
        with self.lock:
            transactions = self._parse_transactions(raw)
            if transactions is None:
                raise InputError("Block decode failed")
            name = block_hash(raw)
            if name in (banned := self._banned()):
                return DUPLICATE_INVALID
            if raw[4:36][::-1].hex() in banned:
                return "bad-prevblk"
            verdict = self._kernel.submit(raw)
            if not verdict.accepted:
                return verdict.reason or DUPLICATE
            self._journal.append([Record(Kind.BLOCK, raw)])
            self.chain.add(raw, transactions)
            self._follow_kernel()
            return None if verdict.valid else INCONCLUSIVE

    def mine(self, count: int, script: bytes) -> list[str]:
        """Mine blocks that pay `script` and hold what waits in the mempool; their hashes.

        ChainError when the clock does not allow it: mining flat out runs block times ahead by a second every six
        blocks, and nobody accepts a block more than two hours ahead.
        """
        with self.lock:
            mined: list[Block] = []
            try:
                for _ in range(count):
                    mined.append(self._mine_one(script))
            finally:
                self._journal.append([Record(Kind.BLOCK, block.raw) for block in mined])
            return [block.hash for block in mined]

    def _mine_one(self, script: bytes) -> Block:
        tip = self.chain.tip
        entries = self._select()
        transactions = [entry.tx for entry in entries]
        raw = assemble(
            previous=tip.hash,
            height=tip.height + 1,
            time=max(tip.median_time + 1, int(now())),
            script=script,
            transactions=transactions,
            fees=sum(entry.fee for entry in entries),
            extranonce=len(self.chain.blocks),
        )
        verdict = self._kernel.submit(raw)
        if not verdict.valid or not verdict.accepted:
            hint = "too many blocks were mined at once: wait for the clock to catch up"
            raise ChainError(
                f"the block just mined is not valid: {verdict.reason or DUPLICATE}",
                hint=hint if verdict.reason == CLOCK_REASON else None,
            )
        block = self.chain.add(raw, self._parse_transactions(raw) or [])
        self._follow_kernel()
        return block

    def _select(self) -> list[Entry]:
        """What waits, oldest first, as far as a block holds it: parents come before children."""
        chosen: list[Entry] = []
        room = MAX_BLOCK_WEIGHT - RESERVED_WEIGHT
        for entry in self.mempool:
            room -= entry.tx.weight
            if room < 0:
                break
            chosen.append(entry)
        return chosen

    def invalidate(self, name: str) -> None:
        """Treat the block, and all built on it, as invalid from now on. NotFoundError when it is unknown."""
        with self.lock:
            if self._known(name).height == 0:
                raise InputError("the genesis block cannot be invalidated")
            self._journal.append([Record(Kind.INVALIDATE, bytes.fromhex(name))])
            self._invalid.add(name)
            self._rebuild()

    def reconsider(self, name: str) -> None:
        """Take back `invalidate` for the block, what it is built on and what is built on it."""
        with self.lock:
            self._known(name)
            freed = [other for other in sorted(self._invalid) if self._on_one_branch(other, name)]
            self._journal.append([Record(Kind.RECONSIDER, bytes.fromhex(other)) for other in freed])
            self._invalid.difference_update(freed)
            self._rebuild()

    def _known(self, name: str) -> Block:
        block = self.chain.blocks.get(name)
        if block is None:
            raise NotFoundError("Block not found")
        return block

    def _on_one_branch(self, one: str, other: str) -> bool:
        low, high = sorted((self._known(one), self._known(other)), key=lambda block: block.height)
        while high.height > low.height:
            high = self.chain.blocks[high.previous]
        return high.hash == low.hash

    def _rebuild(self) -> None:
        """The kernel cannot forget a block it found valid: a new one is told only of those that count."""
        self._kernel.close()
        self._kernel = Kernel(self._scratch)
        self._feed_kernel({})
        self._follow_kernel()

    def _follow_kernel(self) -> None:
        """Bring our view to the kernel's active chain, and the mempool along."""
        fork = min(self._kernel.height, self.chain.height)
        while self._kernel.hash_at(fork) != self.chain.active[fork]:
            fork -= 1
        left: list[Block] = []
        while self.chain.height > fork:
            left.append(self.chain.disconnect())
        for height in range(fork + 1, self._kernel.height + 1):
            block = self.chain.blocks[self._kernel.hash_at(height)]
            self.chain.connect(block)
            self.mempool.confirm(block.transactions[1:])
        if left:
            # What was confirmed waits again, and all that waited is checked again: coins it spends may be gone.
            freed = [tx for block in reversed(left) for tx in block.transactions[1:]]
            self._offer([*freed, *(entry.tx for entry in self.mempool.drain())])

    # Transactions

    def examine(self, tx: Transaction) -> Candidate:
        """What the mempool would say. RejectedError with Core's reason when it would refuse."""
        with self.lock:
            return self._acceptance().examine(tx)

    def accept(self, tx: Transaction) -> Candidate:
        """Let the transaction into the mempool. RejectedError with Core's reason otherwise."""
        with self.lock:
            candidate = self._acceptance().examine(tx)
            self._journal.append([Record(Kind.TX, tx.raw)])
            self._admit(candidate)
            return candidate

    def _acceptance(self) -> Acceptance:
        return Acceptance(self.chain, self.mempool, self._kernel)

    def _admit(self, candidate: Candidate) -> None:
        self.mempool.remove(candidate.replaces)
        self.mempool.add(Entry(candidate.tx, candidate.fee, int(now()), self.chain.height))

    def _offer(self, transactions: Sequence[Transaction]) -> None:
        """Let in those that are still acceptable, in that order; the others are forgotten."""
        for tx in transactions:
            if self.chain.find(tx.txid) is None:
                try:
                    self._admit(self._acceptance().examine(tx, free=True))
                except RejectedError:
                    continue
