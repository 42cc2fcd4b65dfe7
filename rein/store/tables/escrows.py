"""What the chain showed of escrows: their outputs and the payments out of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.protocol.values import DocumentId
from rein.store.database import Database
from rein.store.sql import insert


@dataclass(frozen=True)
class EscrowOutput:
    """An output of an escrow, as last seen. `contract_id`: `Order.contract_id`; `escrow_id`: which of its escrows.
    `height`: of its block, where that was seen. `confirmations`: its own; of a `spent` one,
    1 if a payment of the job in a block has spent it, and 0 otherwise."""

    contract_id: DocumentId
    escrow_id: str
    outpoint: OutPoint
    amount: Sat
    height: int | None
    confirmations: int
    spent: bool = False


@dataclass(frozen=True)
class Payment:
    """The payment out of an escrow, as last seen; 0 confirmations while it waits for a block.

    `amount` goes to whom the escrow is for, `back` to the payer, `fee` to the miner. `ending`: how it ends the job,
    by `document_id`, which carries it.
    """

    contract_id: DocumentId
    escrow_id: str
    txid: str
    amount: Sat
    back: Sat
    fee: Sat
    height: int | None
    confirmations: int
    ending: str
    document_id: DocumentId


class Escrows:
    """The escrows of the contracts known here, as last seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def observe(self, contract_id: DocumentId, outputs: Sequence[EscrowOutput], payments: Sequence[Payment]) -> None:
        """Replace what is known of a contract's money: what disappeared is forgotten."""
        with self._database.writing() as connection:
            _replace(connection, "escrow_output", contract_id, [_escrow_row(each) for each in outputs])
            _replace(connection, "payment", contract_id, [vars(each) for each in payments])

    def outputs(self, contract_id: DocumentId) -> list[EscrowOutput]:
        """By outpoint."""
        query = "SELECT * FROM escrow_output WHERE contract_id = ? ORDER BY txid, vout"
        return [escrow_output(row) for row in self._database.rows(query, contract_id)]

    def payments(self, contract_id: DocumentId) -> dict[str, Payment]:
        """By the id of the escrow."""
        rows = self._database.rows("SELECT * FROM payment WHERE contract_id = ?", contract_id)
        return {row["escrow_id"]: payment(row) for row in rows}


def _replace(connection: sqlite3.Connection, table: str, contract_id: DocumentId, rows: list[dict[str, Any]]) -> None:
    there = connection.execute(f"SELECT * FROM {table} WHERE contract_id = ?", [contract_id]).fetchall()  # noqa: S608 - a name of ours
    if len(there) == len(rows) and all(dict(row) in rows for row in there):
        return  # nothing changed, so nothing that was folded from it need be forgotten
    connection.execute(f"DELETE FROM {table} WHERE contract_id = ?", [contract_id])  # noqa: S608 - a name of ours
    for row in rows:
        connection.execute(insert(table, row), row)


def _escrow_row(output: EscrowOutput) -> dict[str, Any]:
    values = {key: value for key, value in vars(output).items() if key != "outpoint"}
    return values | {"txid": output.outpoint.txid, "vout": output.outpoint.vout, "spent": int(output.spent)}


def escrow_output(row: Any) -> EscrowOutput:
    """From the table's row."""
    values = {key: row[key] for key in row.keys() if key not in ("txid", "vout")}  # noqa: SIM118 - a Row is not a dict
    return EscrowOutput(**values | {"outpoint": OutPoint(row["txid"], row["vout"]), "spent": bool(row["spent"])})


def payment(row: Any) -> Payment:
    """From the table's row."""
    return Payment(**dict(row))
