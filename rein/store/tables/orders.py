"""Which documents make up an order, and who takes part in it: by the documents' own word, unchecked."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rein.protocol.enums import Kind
from rein.protocol.values import DocumentId
from rein.store.database import Database
from rein.store.sql import in_parts, marks
from rein.store.tables.documents import read_documents

if TYPE_CHECKING:
    from rein.protocol.signed import Signed


class Orders:
    """The orders of which documents are here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def documents(self, order_ids: Collection[DocumentId]) -> list[Signed[Any]]:
        """Everything that names one of these job documents, and those themselves."""
        parts = in_parts(order_ids)
        return [
            signed for some in parts for signed in read_documents(self._database, f"order_id IN ({marks(some)})", *some)
        ]

    def find_jobs(self, network: str, name: str) -> list[DocumentId]:
        """The job documents with this Job ID, or whose own id begins so."""
        query = """SELECT id FROM document WHERE network = ? AND kind = ? AND (job_id = ? OR substr(id, 1, ?) = ?)
                   ORDER BY rowid"""
        return [
            DocumentId(row["id"]) for row in self._database.rows(query, network, Kind.JOB.value, name, len(name), name)
        ]

    def of_offers(self, network: str, prefix: str) -> list[DocumentId]:
        """The job documents of the offers whose id begins so."""
        query = """SELECT order_id FROM document WHERE network = ? AND kind = ? AND substr(id, 1, ?) = ?
                   AND order_id IS NOT NULL GROUP BY order_id ORDER BY min(rowid)"""
        return [
            DocumentId(row["order_id"])
            for row in self._database.rows(query, network, Kind.OFFER.value, len(prefix), prefix)
        ]

    def having(self, network: str, kind: Kind) -> list[DocumentId]:
        """The job documents of the orders in which a document of this type stands, in the order of arrival."""
        query = """SELECT order_id FROM document WHERE network = ? AND kind = ? AND order_id IS NOT NULL
                   GROUP BY order_id ORDER BY min(rowid)"""
        return [DocumentId(row["order_id"]) for row in self._database.rows(query, network, kind.value)]

    def of_person(self, network: str, address: str) -> list[DocumentId]:
        """The orders in which an identity wrote something, or is named as the mediator; in the order of arrival."""
        query = """SELECT order_id FROM (
                     SELECT order_id, rowid AS number FROM document WHERE network = ?1 AND author = ?2
                     UNION ALL SELECT order_id, rowid FROM document WHERE network = ?1 AND mediator = ?2)
                   WHERE order_id IS NOT NULL GROUP BY order_id ORDER BY min(number)"""
        return [DocumentId(row["order_id"]) for row in self._database.rows(query, network, address)]

    def people(self, order_ids: Collection[DocumentId]) -> set[str]:
        """The master addresses of who wrote in these orders or mediates them."""
        rows = self._database.rows_in(
            "SELECT DISTINCT author, mediator FROM document WHERE order_id IN ({})", order_ids
        )
        return {each for row in rows for each in row if each}

    def parties(self, order_ids: Collection[DocumentId]) -> dict[DocumentId, set[str]]:
        """The master addresses of the creator and the mediator of each order, and of the workers whose bids an offer
        answers, by these documents' own word."""
        jobs = f"""SELECT id AS order_id, author, mediator AS other FROM document
                   WHERE kind = '{Kind.JOB.value}' AND id IN ({{}})"""  # noqa: S608 - names of ours
        bids = f"""SELECT bid.order_id, bid.author, NULL AS other FROM document AS bid
                   JOIN document AS offer ON offer.order_id = bid.order_id AND offer.kind = '{Kind.OFFER.value}'
                   WHERE bid.kind = '{Kind.BID.value}' AND bid.order_id IN ({{}})
                   AND instr(offer.armored, 'Previous document: ' || bid.id) > 0"""  # noqa: S608 - names of ours
        parties: dict[DocumentId, set[str]] = {}
        for row in (*self._database.rows_in(jobs, order_ids), *self._database.rows_in(bids, order_ids)):
            parties.setdefault(row["order_id"], set()).update({row["author"], row["other"]} - {None})
        return parties

    def to_publish(self, network: str, address: str) -> list[DocumentId]:
        """The orders in which somebody offers the job to a bid that is still sealed: whether it is the job creator who
        says so is for the order to tell."""
        query = """SELECT DISTINCT bid.order_id FROM sealed_bid JOIN document AS bid ON bid.id = document_id
                   JOIN document AS offer ON offer.order_id = bid.order_id AND offer.kind = ?
                   WHERE bid.network = ? AND address = ? AND NOT published
                   AND instr(offer.armored, 'Previous document: ' || bid.id) > 0"""
        return [DocumentId(row["order_id"]) for row in self._database.rows(query, Kind.OFFER.value, network, address)]
