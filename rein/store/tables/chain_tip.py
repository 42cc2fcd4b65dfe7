"""The newest block that was seen."""

from __future__ import annotations

from dataclasses import dataclass

from rein.store.database import Database


@dataclass(frozen=True)
class SeenBlock:
    """The height and the time (seconds since 1970) of the chain's tip when it was last asked for."""

    height: int
    time: int


class ChainTip:
    """The tip of each network, as last seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, network: str, block: SeenBlock) -> None:
        """Remember the tip; a lower one too, for a chain may be reorganised."""
        statement = """INSERT INTO seen_block (network, height, time) VALUES (?, ?, ?)
                       ON CONFLICT (network) DO UPDATE SET height = excluded.height, time = excluded.time"""
        with self._database.writing() as connection:
            connection.execute(statement, [network, block.height, block.time])

    def get(self, network: str) -> SeenBlock | None:
        """The tip as last seen, if it ever was."""
        query = "SELECT height, time FROM seen_block WHERE network = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, [network]).fetchone()
        return None if row is None else SeenBlock(row["height"], row["time"])
