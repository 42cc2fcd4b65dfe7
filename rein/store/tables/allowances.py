"""How much each server and each signer has brought here lately."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rein.store.database import Database


@dataclass(frozen=True)
class Usage:
    """Bytes that were brought since a time, in seconds since 1970."""

    since: int
    bytes: int


class Allowances:
    """What was spent, by name: a server's URL, or the address that signed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spent(self, network: str, name: str) -> Usage:
        """What was noted under a name; nothing, if nothing was."""
        query = "SELECT since, bytes FROM allowance WHERE network = ? AND name = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, [network, name]).fetchone()
        return Usage(0, 0) if row is None else Usage(row["since"], row["bytes"])

    def set(self, network: str, names: Collection[tuple[str, Usage]], forget_before: int) -> None:
        """Note what was spent, and forget what is older than a time."""
        statement = "INSERT OR REPLACE INTO allowance (network, name, since, bytes) VALUES (?, ?, ?, ?)"
        with self._database.writing() as connection:
            connection.execute("DELETE FROM allowance WHERE since < ?", [forget_before])
            connection.executemany(statement, [(network, name, each.since, each.bytes) for name, each in names])
