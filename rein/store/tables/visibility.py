"""Which documents of other people each server was seen to show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rein.protocol.values import DocumentId
from rein.store.database import Database


@dataclass(frozen=True)
class ForeignDocument:
    """A document that came from a server. `job_id`: of the job it belongs to, if to any."""

    id: DocumentId
    kind: str
    job_id: str | None
    received_from: str


class Visibility:
    """What servers showed. A document that a server brought here first it has shown, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def foreign(self, network: str, order_ids: Collection[DocumentId]) -> list[ForeignDocument]:
        """What others wrote in these orders, and the enrollments of everybody in them."""
        marks = ", ".join("?" * len(order_ids))
        query = f"""SELECT id, kind, job_id, received_from FROM document
                    WHERE order_id IN ({marks}) AND own = 0 AND received_from IS NOT NULL
                    AND id NOT IN (SELECT document_id FROM sealed_bid WHERE NOT published)
                    UNION SELECT id, kind, NULL, received_from FROM document
                    WHERE network = ? AND kind = 'enrollment' AND own = 0 AND received_from IS NOT NULL AND author IN (
                        SELECT author FROM document WHERE order_id IN ({marks})
                        UNION SELECT mediator FROM document WHERE order_id IN ({marks}) AND mediator IS NOT NULL)
                    ORDER BY id"""  # noqa: S608 - marks of ours
        with self._database.reading() as connection:
            rows = connection.execute(query, [*order_ids, network, *order_ids, *order_ids]).fetchall()
        return [
            ForeignDocument(DocumentId(row["id"]), row["kind"], row["job_id"], row["received_from"]) for row in rows
        ]

    def on_server(self, url: str) -> dict[DocumentId, bool]:
        """What a server was seen to show: whether it shows it still, as far as it said."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT document_id, removed FROM shown WHERE url = ?", [url]).fetchall()
        return {DocumentId(row["document_id"]): not row["removed"] for row in rows}

    def record(self, url: str, ids: Collection[DocumentId], *, removed: bool = False) -> None:
        """A server shows documents; or says that it removed them. Of what is not here nothing is kept."""
        statement = """INSERT INTO shown SELECT id, ?, ? FROM document WHERE id = ? AND own = 0
                       ON CONFLICT (url, document_id) DO UPDATE SET removed = excluded.removed"""
        if ids:
            with self._database.writing() as connection:
                connection.executemany(statement, [(url, int(removed), each) for each in ids])
