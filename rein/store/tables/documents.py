"""The documents: written here, or received from servers."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from rein.lazy import lazy
from rein.protocol.enums import Kind
from rein.protocol.values import DocumentId
from rein.store.database import Database
from rein.store.sql import in_parts, insert, marks
from rein.store.tables.servers import FeedRow

if TYPE_CHECKING:  # documents take long to load, and `rein status` needs none of them
    from rein.protocol import description
    from rein.protocol import signed as signed_documents
    from rein.protocol.documents import Bid, SealedBid
    from rein.protocol.signed import Signed
else:
    description = lazy("rein.protocol.description")
    signed_documents = lazy("rein.protocol.signed")

_SEALED = "sealed"
"""Where a bid came from that was sealed to somebody of this home."""

_COLUMNS = ("id", "network", "kind", "author", "job_id", "order_id", "mediator", "armored", "own")
_INSERT = (
    f"INSERT INTO document ({', '.join(_COLUMNS)}, received_from)"  # noqa: S608 - names of ours
    f" VALUES ({', '.join('?' * len(_COLUMNS))}, ?)"
)
INSERT_OWN = f"{_INSERT} ON CONFLICT (id) DO UPDATE SET own = 1"


class Documents:
    """The documents of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_own(self, signed: Signed[Any]) -> None:
        """Keep a document written here; `rein sync` will upload it."""
        with self._database.writing() as connection:
            connection.execute(INSERT_OWN, document_row(signed, None))

    def add_sealed_bid(self, sealed: Signed[SealedBid], bid: Signed[Bid]) -> None:
        """Keep a bid written here and the document that carries it sealed; `rein sync` will upload only that."""
        with self._database.writing() as connection:
            connection.executemany(INSERT_OWN, [document_row(bid, None), document_row(sealed, None)])
            _keep_sealed(connection, [bid], sealed.document.master_address)

    def add_unsealed(self, bids: Collection[Signed[Bid]], address: str) -> None:
        """Keep bids that were sealed to or by an identity of this home."""
        mine = {each.id for each in bids if each.document.worker_master_address == address}
        rows = [document_row(each, None if each.id in mine else _SEALED) for each in bids]
        with self._database.writing() as connection:
            connection.executemany(f"{_INSERT} ON CONFLICT (id) DO NOTHING", rows)
            _keep_sealed(connection, bids, address)

    def publish(self, ids: Collection[DocumentId]) -> None:
        """Let `rein sync` upload bids that were sealed."""
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE sealed_bid SET published = 1 WHERE document_id = ?", [[each] for each in ids]
            )

    def mark_own(self, ids: Collection[DocumentId]) -> None:
        """Take documents that came from servers for what they are: written by this home, before it was restored."""
        with self._database.writing() as connection:
            connection.executemany("UPDATE document SET own = 1 WHERE id = ?", [[each] for each in ids])

    def add_received(self, documents: Iterable[tuple[Signed[Any], str]], feed: FeedRow | None = None) -> int:
        """Keep verified documents from servers, as (document, URL), and with them how far the feed is read that
        brought them. Returns how many were new."""
        rows = [document_row(signed, url) for signed, url in documents]
        if not rows and feed is None:
            return 0
        with self._database.writing() as connection:
            cursor = connection.executemany(f"{_INSERT} ON CONFLICT (id) DO NOTHING", rows)
            if feed is not None:
                connection.execute(insert("feed", vars(feed), "url, network"), vars(feed))
            return max(cursor.rowcount, 0)

    def remove_unpublished(self, document_id: DocumentId, carried: DocumentId | None = None) -> bool:
        """Forget a document written here, unless a server was given it or gave it; whether it is gone. The placement
        is noted before a document is sent, so none means that nobody can have it.

        :param carried: the bid that is sealed in it: it goes too.
        """
        statement = """DELETE FROM document WHERE id = ? AND own = 1 AND received_from IS NULL
                       AND NOT EXISTS (SELECT * FROM placement WHERE document_id = document.id)"""
        with self._database.writing() as connection:
            if connection.execute(statement, [document_id]).rowcount == 0:
                return False
            if carried is not None:
                connection.execute("DELETE FROM sealed_bid WHERE document_id = ?", [carried])
                connection.execute(statement, [carried])
        return True

    def known(self, ids: Collection[DocumentId]) -> set[DocumentId]:
        """Which of these documents are here."""
        rows = self._database.rows_in("SELECT id FROM document WHERE id IN ({})", ids)
        return {DocumentId(row["id"]) for row in rows}

    def get(self, document_id: str) -> Signed[Any] | None:
        """One document by its id."""
        found = read_documents(self._database, "id = ?", document_id)
        return found[0] if found else None

    def of_kinds(self, network: str, *kinds: Kind) -> list[Signed[Any]]:
        """All documents of some types."""
        marks = ", ".join("?" * len(kinds))
        return read_documents(
            self._database, f"network = ? AND kind IN ({marks})", network, *(kind.value for kind in kinds)
        )

    def enrollments_of(self, network: str, masters: Collection[str]) -> list[Signed[Any]]:
        """Every enrollment of these identities."""
        return [
            signed
            for some in in_parts(masters)
            for signed in read_documents(
                self._database,
                f"network = ? AND kind = ? AND author IN ({marks(some)})",
                network,
                Kind.ENROLLMENT.value,
                *some,
            )
        ]

    def bids_beginning(self, network: str, prefix: str) -> list[Signed[Bid]]:
        """The bids whose id begins so, in the order of arrival."""
        return read_documents(
            self._database,
            "network = ? AND kind = ? AND substr(id, 1, ?) = ?",
            network,
            Kind.BID.value,
            len(prefix),
            prefix,
        )

    def texts(self, ids: Collection[DocumentId]) -> dict[DocumentId, str]:
        """Armored texts as they stand here. They are not verified."""
        rows = self._database.rows_in("SELECT id, armored FROM document WHERE id IN ({})", ids)
        return {DocumentId(row["id"]): row["armored"] for row in rows}

    def sealed_bids(self, network: str) -> set[DocumentId]:
        """The bids that no server may be given."""
        query = """SELECT document_id FROM sealed_bid JOIN document ON id = document_id
                   WHERE network = ? AND NOT published"""
        return {DocumentId(row["document_id"]) for row in self._database.rows(query, network)}

    def unpublished(self, network: str, author: str) -> list[Signed[Any]]:
        """What an identity wrote here that no server was ever given, but for its enrollments, by age."""
        return read_documents(
            self._database,
            """network = ? AND author = ? AND own = 1 AND received_from IS NULL AND kind <> ?
               AND id NOT IN (SELECT document_id FROM sealed_bid)
               AND NOT EXISTS (SELECT * FROM placement WHERE document_id = document.id)""",
            network,
            author,
            Kind.ENROLLMENT.value,
        )

    def own_ids(self, network: str, author: str) -> list[DocumentId]:
        """The documents that an identity gives to servers: what it wrote here, and the bids that were sealed to it and
        are published. The newest enrollment comes first, since a server takes what a delegate signs once it has the
        enrollment that names it; then the others by age."""
        query = """SELECT id FROM document WHERE network = ?1 AND id IN (
                     SELECT id FROM document WHERE network = ?1 AND author = ?2 AND own = 1
                     EXCEPT SELECT document_id FROM sealed_bid WHERE NOT published
                     UNION SELECT document_id FROM sealed_bid WHERE address = ?2 AND published)
                   ORDER BY kind <> 'enrollment', CASE WHEN kind = 'enrollment' THEN -rowid ELSE rowid END"""
        return [DocumentId(row["id"]) for row in self._database.rows(query, network, author)]

    def unpublished_ids(self, network: str, author: str) -> list[DocumentId]:
        """Those of `own_ids` that no server has shown to hold."""
        query = """SELECT id FROM document WHERE network = ? AND (received_from IS NULL OR received_from = ?)
                   AND own = 1 AND NOT EXISTS (SELECT * FROM placement WHERE document_id = document.id AND proved)"""
        kept = {row["id"] for row in self._database.rows(query, network, _SEALED)}
        return [each for each in self.own_ids(network, author) if each in kept]

    def from_servers(self, ids: Collection[DocumentId]) -> list[DocumentId]:
        """Those of the documents, in their order, that came here and may be given to servers. What another identity of
        this home wrote is for that one to publish."""
        query = """SELECT id FROM document WHERE id IN ({}) AND received_from IS NOT NULL
                   AND id NOT IN (SELECT document_id FROM sealed_bid WHERE NOT published)"""
        found = {row["id"] for row in self._database.rows_in(query, ids)}
        return [each for each in ids if each in found]

    def count(self, network: str) -> int:
        """How many documents of a network are here that a server may have."""
        query = """SELECT (SELECT count(*) FROM document WHERE network = ?1)
                   - (SELECT count(DISTINCT document_id) FROM sealed_bid JOIN document ON id = document_id
                      WHERE network = ?1 AND NOT published) AS n"""
        return int(self._database.rows(query, network)[0]["n"])


def read_documents(database: Database, condition: str, *values: object) -> list[Signed[Any]]:
    """Documents in the order of arrival. Verified again: a file on a disk is not to be trusted more than a server."""
    query = f"SELECT armored FROM document WHERE {condition} ORDER BY rowid"  # noqa: S608 - conditions of ours
    return [signed_documents.verify(row["armored"]) for row in database.rows(query, *values)]


def document_row(signed: Signed[Any], received_from: str | None) -> tuple[object, ...]:
    """The values of `INSERT_OWN`."""
    about = description.describe(signed)
    mediator = about.mediator.address if about.kind is Kind.JOB else None
    return (
        *(about.id, about.network, about.kind.value, about.author, about.job_id, about.order_id, mediator),
        *(signed.armored, int(received_from is None), received_from),
    )


def _keep_sealed(connection: sqlite3.Connection, bids: Iterable[Signed[Bid]], address: str) -> None:
    statement = "INSERT INTO sealed_bid VALUES (?, ?, 0) ON CONFLICT DO NOTHING"
    connection.executemany(statement, [(each.id, address) for each in bids])
