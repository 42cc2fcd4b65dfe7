"""What the active chain says: its blocks, its unspent outputs, and where each transaction is.

It judges nothing: the kernel does. Blocks of other branches are kept too, for the day they win.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint, Transaction
from rein.devnet.journal import HEADER_SIZE, block_hash

MAX_SCRIPT_SIZE: Final = 10_000
OP_RETURN: Final = 0x6A
MEDIAN_TIME_SPAN: Final = 11
COINBASE_MATURITY: Final = 100


@dataclass(frozen=True, slots=True)
class Coin:
    """An unspent output. `height` is that of its block; in the mempool, that of the next block."""

    amount: Sat
    script: bytes
    height: int
    coinbase: bool


@dataclass(frozen=True)
class Block:
    """One block that was found acceptable. `hash` and `previous` as people write them."""

    hash: str
    previous: str
    height: int
    raw: bytes
    transactions: tuple[Transaction, ...]
    median_time: int  # of this block and the ten before it (BIP113)

    @property
    def header(self) -> bytes:
        return self.raw[:HEADER_SIZE]

    @property
    def time(self) -> int:
        return int.from_bytes(self.raw[68:72], "little")


def is_unspendable(script: bytes) -> bool:
    """Core's CScript::IsUnspendable: such outputs never enter the set of unspent ones."""
    return script[:1] == bytes([OP_RETURN]) or len(script) > MAX_SCRIPT_SIZE


class ChainState:
    """Blocks by hash, the active chain by height, and what follows from it."""

    def __init__(self, genesis: bytes, transactions: Iterable[Transaction]) -> None:
        self.blocks: dict[str, Block] = {}
        self.coins: dict[OutPoint, Coin] = {}
        self._by_script: dict[bytes, set[OutPoint]] = {}
        self._where: dict[str, tuple[str, int]] = {}
        self._spent_by: list[list[tuple[OutPoint, Coin]]] = [[]]
        # The coins of the genesis block cannot be spent: it is in the chain, not in the set.
        self.active: list[str] = [self.add(genesis, transactions).hash]

    def add(self, raw: bytes, transactions: Iterable[Transaction]) -> Block:
        """Remember a block; its parent is known (or it is the genesis block)."""
        name = block_hash(raw)
        previous = raw[4:36][::-1].hex()
        parent = self.blocks.get(previous)
        times = [int.from_bytes(raw[68:72], "little")]
        ancestor = parent
        while ancestor is not None and len(times) < MEDIAN_TIME_SPAN:
            times.append(ancestor.time)
            ancestor = self.blocks.get(ancestor.previous)
        block = Block(
            hash=name,
            previous=previous,
            height=parent.height + 1 if parent else 0,
            raw=raw,
            transactions=tuple(transactions),
            median_time=sorted(times)[len(times) // 2],
        )
        return self.blocks.setdefault(name, block)

    @property
    def tip(self) -> Block:
        return self.blocks[self.active[-1]]

    @property
    def height(self) -> int:
        return len(self.active) - 1

    def at(self, height: int) -> Block:
        return self.blocks[self.active[height]]

    def is_active(self, block: Block) -> bool:
        return block.height <= self.height and self.active[block.height] == block.hash

    def confirmations(self, block: Block) -> int:
        """As Core counts: 1 for the tip, -1 off the active chain."""
        return self.height - block.height + 1 if self.is_active(block) else -1

    def connect(self, block: Block) -> None:
        """Extend the active chain by a child of its tip, which the kernel found valid."""
        spent: list[tuple[OutPoint, Coin]] = []
        for position, tx in enumerate(block.transactions):
            if position:
                spent += [(outpoint, self._remove(outpoint)) for outpoint in tx.inputs]
            for index, output in enumerate(tx.outputs):
                if not is_unspendable(output.script):
                    coin = Coin(output.amount, output.script, block.height, position == 0)
                    self._insert(OutPoint(tx.txid, index), coin)
            self._where[tx.txid] = (block.hash, position)
        self._spent_by.append(spent)
        self.active.append(block.hash)

    def disconnect(self) -> Block:
        """Take the tip off the active chain, and answer it."""
        block = self.tip
        for tx in reversed(block.transactions):
            del self._where[tx.txid]
            for index, output in enumerate(tx.outputs):
                # Absent when it was spent in this same block: nothing to take back then, nor to restore below.
                if not is_unspendable(output.script):
                    self._discard(OutPoint(tx.txid, index))
        created = {tx.txid for tx in block.transactions}
        for outpoint, coin in self._spent_by.pop():
            if outpoint.txid not in created:
                self._insert(outpoint, coin)
        self.active.pop()
        return block

    def _insert(self, outpoint: OutPoint, coin: Coin) -> None:
        self.coins[outpoint] = coin
        self._by_script.setdefault(coin.script, set()).add(outpoint)

    def _remove(self, outpoint: OutPoint) -> Coin:
        coin = self.coins.pop(outpoint)
        holders = self._by_script[coin.script]
        holders.remove(outpoint)
        if not holders:
            del self._by_script[coin.script]
        return coin

    def _discard(self, outpoint: OutPoint) -> None:
        if outpoint in self.coins:
            self._remove(outpoint)

    def find(self, txid: str) -> tuple[Block, Transaction] | None:
        """The confirmed transaction and its block; None when the active chain does not have it."""
        where = self._where.get(txid)
        if where is None:
            return None
        block = self.blocks[where[0]]
        return block, block.transactions[where[1]]

    def paying_to(self, script: bytes) -> Iterator[tuple[OutPoint, Coin]]:
        """The unspent outputs of that script, in a stable order."""
        for outpoint in sorted(self._by_script.get(script, ())):
            yield outpoint, self.coins[outpoint]

    def total(self) -> Sat:
        """The sum of all unspent outputs, in satoshis."""
        return Sat(sum(coin.amount for coin in self.coins.values()))
