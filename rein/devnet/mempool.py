"""Transactions waiting for a block, in the order they came: a parent always before its children."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint, Transaction, TxOutput


@dataclass(frozen=True)
class Entry:
    """One waiting transaction; `fee` in satoshis, `time` in seconds since 1970, `height` the tip's when it came."""

    tx: Transaction
    fee: Sat
    time: int
    height: int


class Mempool:
    """Holds what acceptance let in; it judges nothing itself. No two of its transactions spend the same output."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._spenders: dict[OutPoint, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, txid: str) -> bool:
        return txid in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def get(self, txid: str) -> Entry | None:
        return self._entries.get(txid)

    def entries(self, txids: Iterable[str]) -> list[Entry]:
        """The entries of those that wait, in no particular order."""
        return [self._entries[txid] for txid in txids if txid in self._entries]

    def output(self, outpoint: OutPoint) -> TxOutput | None:
        """The output a waiting transaction makes, spent or not."""
        entry = self._entries.get(outpoint.txid)
        if entry is None or outpoint.vout >= len(entry.tx.outputs):
            return None
        return entry.tx.outputs[outpoint.vout]

    def spender(self, outpoint: OutPoint) -> str | None:
        """The txid of the waiting transaction that spends this output."""
        return self._spenders.get(outpoint)

    def parents(self, tx: Transaction) -> set[str]:
        return {outpoint.txid for outpoint in tx.inputs if outpoint.txid in self._entries}

    def children(self, txid: str) -> set[str]:
        tx = self._entries[txid].tx
        outpoints = (OutPoint(txid, index) for index in range(len(tx.outputs)))
        return {self._spenders[outpoint] for outpoint in outpoints if outpoint in self._spenders}

    def ancestors(self, tx: Transaction) -> set[str]:
        """Every waiting transaction this one depends on, itself not included."""
        found: set[str] = set()
        pending = self.parents(tx)
        while pending:
            txid = pending.pop()
            found.add(txid)
            pending |= self.parents(self._entries[txid].tx) - found
        return found

    def descendants(self, txids: Iterable[str]) -> set[str]:
        """These waiting transactions and every one that depends on them."""
        found: set[str] = set()
        pending = {txid for txid in txids if txid in self._entries}
        while pending:
            txid = pending.pop()
            found.add(txid)
            pending |= self.children(txid) - found
        return found

    def add(self, entry: Entry) -> None:
        self._entries[entry.tx.txid] = entry
        for outpoint in entry.tx.inputs:
            self._spenders[outpoint] = entry.tx.txid

    def remove(self, txids: Iterable[str]) -> None:
        """Forget these transactions (known or not), but not those that depend on them."""
        for txid in txids:
            entry = self._entries.pop(txid, None)
            if entry is not None:
                for outpoint in entry.tx.inputs:
                    del self._spenders[outpoint]

    def confirm(self, transactions: Iterable[Transaction]) -> None:
        """A block holds these: they leave, and so does every transaction that spends what they spent."""
        for tx in transactions:
            self.remove([tx.txid])
            conflicts = {self._spenders[outpoint] for outpoint in tx.inputs if outpoint in self._spenders}
            self.remove(self.descendants(conflicts))

    def drain(self) -> list[Entry]:
        """Every entry, oldest first; the mempool is empty afterwards."""
        entries = list(self._entries.values())
        self._entries.clear()
        self._spenders.clear()
        return entries
