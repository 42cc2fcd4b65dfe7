"""What this home remembers of payments beside the documents that carry them: those it completed by a second signature,
and what the transactions spent that filled an escrow. Without either nobody could tell that two payments might both be
made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rein.btc.transaction import OutPoint
from rein.store.database import Database


@dataclass(frozen=True)
class Completed:
    """A payment out of an escrow that an identity completed: how much it gives to whom the escrow is for, in satoshis,
    and what it spends. `contract_id`: the offer it is of."""

    contract_id: str
    escrow: str
    txid: str
    amount: int
    inputs: frozenset[OutPoint]


class Signatures:
    """Of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_completed(self, address: str, payment: Completed) -> None:
        """Remember what an identity is about to complete.

        :param address: the master address of who signs.
        """
        statement = """INSERT OR REPLACE INTO completed (address, contract_id, escrow, txid, amount, inputs)
                       VALUES (?, ?, ?, ?, ?, ?)"""
        row = [address, payment.contract_id, payment.escrow, payment.txid, payment.amount, _written(payment.inputs)]
        with self._database.writing() as connection:
            connection.execute(statement, row)

    def completed(self, address: str, escrow: str) -> list[Completed]:
        """What an identity has completed out of an escrow, by the escrow's address."""
        query = "SELECT contract_id, escrow, txid, amount, inputs FROM completed WHERE address = ? AND escrow = ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, [address, escrow]).fetchall()
        return [Completed(**{**dict(row), "inputs": _read(row["inputs"])}) for row in rows]

    def add_funding(self, txid: str, inputs: Collection[OutPoint]) -> None:
        """Remember what a transaction spent that filled an escrow."""
        with self._database.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO funding (txid, inputs) VALUES (?, ?)", [txid, _written(inputs)])

    def funding(self, txid: str) -> frozenset[OutPoint]:
        """What a transaction spent, as far as it was seen; nothing otherwise."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT inputs FROM funding WHERE txid = ?", [txid]).fetchone()
        return frozenset() if row is None else _read(row["inputs"])


def _written(inputs: Collection[OutPoint]) -> str:
    return " ".join(sorted(map(str, inputs)))


def _read(text: str) -> frozenset[OutPoint]:
    return frozenset(map(OutPoint.parse, text.split()))
