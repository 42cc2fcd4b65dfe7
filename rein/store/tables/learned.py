"""When this home learned of things, by its own clock."""

from __future__ import annotations

from collections.abc import Collection

from rein.store.database import Database


class Learned:
    """Times in seconds since 1970. Triggers note when a document, an output or a payment first comes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def times(self, names: Collection[str]) -> dict[str, int]:
        """When this home first learned of these, as far as it was noted.

        :param names: ids of documents, outpoints of escrow outputs, txids of payments.
        """
        rows = self._database.rows_in("SELECT name, time FROM learned WHERE name IN ({})", names)
        return {row["name"]: row["time"] for row in rows}

    def set_fetched(self, network: str, time: int) -> None:
        """Remember that a server was asked for what is new, and answered."""
        statement = """INSERT INTO fetched (network, time) VALUES (?, ?)
                       ON CONFLICT (network) DO UPDATE SET time = excluded.time"""
        with self._database.writing() as connection:
            connection.execute(statement, [network, time])

    def fetched(self, network: str) -> int | None:
        """When that was last; None if it never was."""
        rows = self._database.rows("SELECT time FROM fetched WHERE network = ?", network)
        return rows[0]["time"] if rows else None
