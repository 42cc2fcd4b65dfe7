"""What is noted beside the documents: what a person hides from lists, the newest block that was seen, and what hosting
was ordered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rein.btc.amounts import Sat
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


@dataclass(frozen=True)
class SeenBlock:
    """The height and the time (seconds since 1970) of the chain's tip when it was last asked for."""

    height: int
    time: int


@dataclass(frozen=True)
class HostingOrder:
    """Hosting that was ordered and not credited yet: `price` to `address`. `newest` is the highest number a bucket had
    there then; `time` of the order and `until` when it holds its price in seconds since 1970."""

    url: str
    address: str
    price: Sat
    newest: int
    time: int
    until: int


class Notes:
    """The notes of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hide(self, network: str, hidden: Hidden) -> None:
        """Hide something from lists."""
        statement = "INSERT INTO hidden (network, kind, name, label) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        with self._database.writing() as connection:
            connection.execute(statement, [network, hidden.kind.value, hidden.name, hidden.label])

    def unhide(self, network: str, hidden: Hidden) -> None:
        """Show it again."""
        statement = "DELETE FROM hidden WHERE network = ? AND kind = ? AND name = ?"
        with self._database.writing() as connection:
            connection.execute(statement, [network, hidden.kind.value, hidden.name])

    def hidden(self, network: str) -> list[Hidden]:
        """Everything hidden, by kind and name."""
        query = "SELECT kind, name, label FROM hidden WHERE network = ? ORDER BY kind, name"
        with self._database.reading() as connection:
            rows = connection.execute(query, [network]).fetchall()
        return [Hidden(Hideable(row["kind"]), row["name"], row["label"]) for row in rows]

    def set_seen_block(self, network: str, block: SeenBlock) -> None:
        """Remember the tip; a lower one too, for a chain may be reorganised."""
        statement = """INSERT INTO seen_block (network, height, time) VALUES (?, ?, ?)
                       ON CONFLICT (network) DO UPDATE SET height = excluded.height, time = excluded.time"""
        with self._database.writing() as connection:
            connection.execute(statement, [network, block.height, block.time])

    def seen_block(self, network: str) -> SeenBlock | None:
        """The tip as last seen, if it ever was."""
        query = "SELECT height, time FROM seen_block WHERE network = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, [network]).fetchone()
        return None if row is None else SeenBlock(row["height"], row["time"])

    def set_hosting_order(self, identity_id: int, order: HostingOrder) -> None:
        """Remember what was ordered, in place of an earlier order at that server."""
        statement = """INSERT OR REPLACE INTO hosting_order (identity_id, url, address, price, newest, time, until)
                       VALUES (?, ?, ?, ?, ?, ?, ?)"""
        with self._database.writing() as connection:
            connection.execute(statement, [identity_id, *vars(order).values()])

    def hosting_order(self, identity_id: int, url: str) -> HostingOrder | None:
        """What was ordered at a server and is not known to be credited."""
        query = "SELECT url, address, price, newest, time, until FROM hosting_order WHERE identity_id = ? AND url = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, [identity_id, url]).fetchone()
        return None if row is None else HostingOrder(**dict(row))

    def forget_hosting_order(self, identity_id: int, url: str) -> None:
        """It was credited, or nobody waits for it any more."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM hosting_order WHERE identity_id = ? AND url = ?", [identity_id, url])
