"""What a home remembers of the wallets its identities are paid to: addresses, coins as last seen, and what was sent.

No key is in it. All but the names of jobs on change follows from the recovery phrase, the documents and the chain.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.protocol.values import DocumentId
from rein.store.database import Database

ELSEWHERE = "elsewhere:"
"""How the `key_id` of an extended key begins that is of another wallet."""

_RESERVED_S = 3_600
"""For how long an address is kept for a document that somebody may be about to keep."""


@dataclass(frozen=True)
class WalletAddress:
    """An address at `number` of a branch of an account or extended key (`key_id`). `document_id`: the document of one's
    own that names it; `job_id`: whose money it is for; `paid`: something was paid to it."""

    key_id: str
    branch: int
    number: int
    address: str
    document_id: DocumentId | None = None
    job_id: str | None = None
    paid: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the identity's recovery phrase opens it."""
        return not self.key_id.startswith(ELSEWHERE)


@dataclass(frozen=True)
class WalletCoin:
    """A confirmed output to one of the addresses, as last seen on the chain."""

    outpoint: OutPoint
    address: str
    amount: Sat
    height: int
    spent: bool = False


@dataclass(frozen=True)
class WalletPayment:
    """What was sent from the wallet: `raw` is the transaction in hexadecimal; `height` None while it waits."""

    txid: str
    raw: str
    fee: Sat
    job_id: str | None
    height: int | None = None


class WalletStore:
    """The wallets of one home; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def addresses(self, identity_id: int) -> list[WalletAddress]:
        """Every address that was derived, by key, branch and number."""
        query = """SELECT key_id, branch, number, address, document_id, coalesce(document.job_id, wallet_address.job_id)
                   AS job_id, paid FROM wallet_address LEFT JOIN document ON document.id = document_id
                   WHERE identity_id = ? ORDER BY key_id, branch, number"""
        with self._database.reading() as connection:
            rows = connection.execute(query, [identity_id]).fetchall()
        return [WalletAddress(**{**dict(row), "paid": row["paid"] > 0}) for row in rows]

    def add_addresses(self, identity_id: int, rows: Iterable[WalletAddress]) -> None:
        """Remember addresses; those that are known stay as they are."""
        statement = """INSERT INTO wallet_address (identity_id, key_id, branch, number, address, taken, paid)
                       VALUES (?, ?, ?, ?, ?, 0, 0) ON CONFLICT DO NOTHING"""
        values = [(identity_id, each.key_id, each.branch, each.number, each.address) for each in rows]
        with self._database.writing() as connection:
            connection.executemany(statement, values)
            _claim(connection, identity_id)

    def take(self, identity_id: int, key_id: str, branch: int, gap: int, now: int) -> WalletAddress | None:
        """The first address of a branch that nobody was told; where every one was, the one that was told longest ago
        and never paid. It is kept for its taker for a while. None where none is known.

        :param gap: so many unpaid addresses in a row, at most, come to be in use.
        :param now: seconds since 1970.
        """
        query = """SELECT number, taken, document_id IS NOT NULL AS named FROM wallet_address
                   WHERE identity_id = ?1 AND key_id = ?2 AND branch = ?3 AND NOT paid AND number <= ?4 + (
                     SELECT coalesce(max(number), -1) FROM wallet_address
                     WHERE identity_id = ?1 AND key_id = ?2 AND branch = ?3 AND paid)"""
        which = [identity_id, key_id, branch]
        with self._database.writing() as connection:
            _claim(connection, identity_id)
            rows = connection.execute(query, [*which, gap]).fetchall()
            if not rows:
                return None
            number = min(rows, key=lambda row: _preference(row, now))["number"]
            connection.execute(
                """UPDATE wallet_address SET taken = ?
                   WHERE identity_id = ? AND key_id = ? AND branch = ? AND number = ?""",
                [now, *which, number],
            )
            row = connection.execute(
                """SELECT key_id, branch, number, address, document_id FROM wallet_address
                   WHERE identity_id = ? AND key_id = ? AND branch = ? AND number = ?""",
                [*which, number],
            ).fetchone()
        return WalletAddress(*row)

    def mark_paid(self, identity_id: int, addresses: Iterable[str]) -> None:
        """Remember that something was paid to addresses."""
        statement = "UPDATE wallet_address SET paid = 1 WHERE identity_id = ? AND address = ?"
        with self._database.writing() as connection:
            connection.executemany(statement, [(identity_id, each) for each in addresses])

    def label(self, identity_id: int, address: str, job_id: str | None) -> None:
        """Remember whose money an address of one's own will hold."""
        statement = "UPDATE wallet_address SET job_id = ? WHERE identity_id = ? AND address = ?"
        with self._database.writing() as connection:
            connection.execute(statement, [job_id, identity_id, address])

    def see(self, identity_id: int, coins: Iterable[WalletCoin]) -> None:
        """Remember the coins that are there; all others are spent."""
        statement = """INSERT INTO wallet_coin (identity_id, txid, vout, address, amount, height, spent)
                       VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (identity_id, txid, vout)
                       DO UPDATE SET height = excluded.height, spent = 0"""
        rows = [
            (identity_id, each.outpoint.txid, each.outpoint.vout, each.address, each.amount, each.height)
            for each in coins
        ]
        with self._database.writing() as connection:
            connection.execute("UPDATE wallet_coin SET spent = 1 WHERE identity_id = ?", [identity_id])
            connection.executemany(statement, rows)
            connection.executemany(
                "UPDATE wallet_address SET paid = 1 WHERE identity_id = ? AND address = ?",
                [(row[0], row[3]) for row in rows],
            )

    def coins(self, identity_id: int) -> list[WalletCoin]:
        """All coins that were ever seen, by height."""
        query = """SELECT txid, vout, address, amount, height, spent FROM wallet_coin WHERE identity_id = ?
                   ORDER BY height, txid, vout"""
        with self._database.reading() as connection:
            rows = connection.execute(query, [identity_id]).fetchall()
        return [
            WalletCoin(OutPoint(txid, vout), address, amount, height, spent > 0)
            for txid, vout, address, amount, height, spent in rows
        ]

    def set_payments(self, identity_id: int, payments: Iterable[WalletPayment]) -> None:
        """Remember what was sent, or where it stands now."""
        statement = """INSERT INTO wallet_payment (identity_id, txid, raw, fee, job_id, height)
                       VALUES (?, ?, ?, ?, ?, ?)
                       ON CONFLICT (identity_id, txid) DO UPDATE SET height = excluded.height"""
        with self._database.writing() as connection:
            connection.executemany(statement, [(identity_id, *vars(each).values()) for each in payments])

    def payments(self, identity_id: int) -> list[WalletPayment]:
        """What was sent, in the order of sending."""
        query = "SELECT txid, raw, fee, job_id, height FROM wallet_payment WHERE identity_id = ? ORDER BY rowid"
        with self._database.reading() as connection:
            return [WalletPayment(*row) for row in connection.execute(query, [identity_id])]

    def jobs_by_txid(self) -> dict[str, str]:
        """The Job ID for each transaction that paid out an escrow of it."""
        query = "SELECT txid, job_id FROM payment JOIN document ON document.id = contract_id WHERE job_id IS NOT NULL"
        with self._database.reading() as connection:
            return {row["txid"]: row["job_id"] for row in connection.execute(query)}

    def waiting_txids(self) -> set[str]:
        """The payments out of escrows that waited for a block when they were last looked at."""
        with self._database.reading() as connection:
            return {row["txid"] for row in connection.execute("SELECT txid FROM payment WHERE height IS NULL")}


def _preference(row: sqlite3.Row, now: int) -> tuple[bool, bool, int, int]:
    """Free ones by number; then those that are kept for somebody; then those that a document names; oldest first."""
    is_kept = not row["named"] and row["taken"] > now - _RESERVED_S
    age = row["taken"] if is_kept or row["named"] else 0
    return bool(row["named"]), is_kept, age, row["number"]


def _claim(connection: sqlite3.Connection, identity_id: int) -> None:
    """Let the documents of an identity say which addresses are in use: what was withdrawn frees its address; and a
    payment of a job to an address is a payment to it, whether or not the coin is still there."""
    which = "wallet_address.identity_id = ?"
    connection.execute(
        f"""UPDATE wallet_address SET document_id = NULL WHERE {which} AND document_id IS NOT NULL
            AND NOT EXISTS (SELECT * FROM document WHERE id = document_id)""",  # noqa: S608 - names of ours
        [identity_id],
    )
    connection.execute(
        f"""UPDATE wallet_address SET document_id = (
              SELECT document.id FROM document JOIN identity ON identity.id = identity_id
              WHERE document.author = master_address AND document.network = identity.network AND own = 1
              AND kind IN ('job', 'bid', 'enrollment') AND instr(armored, ': ' || address || char(10)) > 0
              ORDER BY document.rowid LIMIT 1)
            WHERE {which} AND document_id IS NULL""",  # noqa: S608 - names of ours
        [identity_id],
    )
    connection.execute(
        f"""UPDATE wallet_address SET paid = 1 WHERE {which} AND NOT paid AND EXISTS (
              SELECT * FROM document AS named JOIN document AS contract ON contract.order_id = named.order_id
              JOIN payment ON contract_id = contract.id WHERE named.id = wallet_address.document_id
              AND (named.kind = 'job' AND back > 0 OR named.kind = 'bid' AND escrow_id <> 'mediator' AND amount > 0
                   AND instr(contract.armored, 'Previous document: ' || named.id) > 0))""",  # noqa: S608 - names of ours
        [identity_id],
    )
