"""The servers of an identity, how far their feeds were read, and where documents were put."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rein.protocol.values import DocumentId
from rein.store.database import Database
from rein.store.sql import insert


@dataclass(frozen=True)
class ServerRow:
    """A causeway where an identity has hosting, as the server last said at `asked`: bytes of storage and of transfer
    left in all its buckets, and when the first of them expires. Times in seconds since 1970; 0: never said."""

    url: str
    buckets: int
    bytes_free: int
    transfer_free: int = 0
    expires: int = 0
    asked: int = 0


@dataclass(frozen=True)
class Placement:
    """Where a document was put."""

    document_id: DocumentId
    url: str
    remote_key: str
    proved: bool


@dataclass(frozen=True)
class FeedRow:
    """How far a server's feed was read. `anchor` is the last document it showed, at number `anchor_seq`: a feed that
    no longer shows it there was started again. `version` is of the Rein that read it: a newer one may understand what
    that one refused. `shown` counts what stands in it. `server`: what the feed calls itself.
    `passed`: when something in it was first passed over, as the server had brought too much (0: never), and how many
    `people` were in the identity's orders then."""

    url: str
    network: str
    version: str = ""
    cursor: int = 0
    anchor: DocumentId | None = None
    anchor_seq: int = 0
    etag: str | None = None
    shown: int = 0
    server: str | None = None
    passed: int = 0
    people: int = 0

    def from_the_beginning(self, version: str) -> FeedRow:
        """The same feed, of which nothing is read yet."""
        return FeedRow(self.url, self.network, version, server=self.server)


class Servers:
    """The servers of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, identity_id: int, server: ServerRow) -> None:
        """Add or update a server of an identity."""
        values = {"identity_id": identity_id, **vars(server)}
        with self._database.writing() as connection:
            connection.execute(insert("server", values, "identity_id, url"), values)

    def remove(self, identity_id: int, url: str) -> bool:
        """Forget that an identity uses a server; whether it did. What was put there stays known."""
        with self._database.writing() as connection:
            statement = "DELETE FROM server WHERE identity_id = ? AND url = ?"
            return connection.execute(statement, [identity_id, url]).rowcount > 0

    def of_identity(self, identity_id: int) -> list[ServerRow]:
        """The servers of an identity, in the order they were added."""
        rows = self._database.rows("SELECT * FROM server WHERE identity_id = ? ORDER BY rowid", identity_id)
        return [ServerRow(**{key: row[key] for key in row.keys() if key != "identity_id"}) for row in rows]  # noqa: SIM118 - a Row is not a dict

    def feed(self, url: str, network: str) -> FeedRow:
        """How far a server's feed was read; a row of zeros if it never was."""
        rows = self._database.rows("SELECT * FROM feed WHERE url = ? AND network = ?", url, network)
        return FeedRow(**dict(rows[0])) if rows else FeedRow(url, network)

    def placements(self, url: str) -> dict[DocumentId, Placement]:
        """What was put on a server."""
        rows = self._database.rows("SELECT * FROM placement WHERE url = ?", url)
        return {
            row["document_id"]: Placement(row["document_id"], row["url"], row["remote_key"], bool(row["proved"]))
            for row in rows
        }

    def set_placements(self, placements: Iterable[Placement]) -> None:
        """Remember where documents were put, or that they were proved to be there."""
        rows = [{**vars(each), "proved": int(each.proved)} for each in placements]
        if rows:
            with self._database.writing() as connection:
                connection.executemany(insert("placement", rows[0], "document_id, url"), rows)
