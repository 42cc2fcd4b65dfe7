"""What a person hides from lists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rein.store.database import Database


class Hideable(Enum):
    """What can be hidden. A job is named by its document id, a bid by its own, a person by the master address."""

    JOB = "job"
    BID = "bid"
    PERSON = "person"


@dataclass(frozen=True)
class Hidden:
    """Something hidden; `label` is what it was called at that time."""

    kind: Hideable
    name: str
    label: str


class HiddenThings:
    """What is hidden in one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, network: str, hidden: Hidden) -> None:
        """Hide something from lists."""
        statement = "INSERT INTO hidden (network, kind, name, label) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        with self._database.writing() as connection:
            connection.execute(statement, [network, hidden.kind.value, hidden.name, hidden.label])

    def remove(self, network: str, hidden: Hidden) -> None:
        """Show it again."""
        statement = "DELETE FROM hidden WHERE network = ? AND kind = ? AND name = ?"
        with self._database.writing() as connection:
            connection.execute(statement, [network, hidden.kind.value, hidden.name])

    def of_network(self, network: str) -> list[Hidden]:
        """Everything hidden, by kind and name."""
        query = "SELECT kind, name, label FROM hidden WHERE network = ? ORDER BY kind, name"
        with self._database.reading() as connection:
            rows = connection.execute(query, [network]).fetchall()
        return [Hidden(Hideable(row["kind"]), row["name"], row["label"]) for row in rows]
