"""What the folds of orders came to, kept until something changes that they look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rein.protocol.values import DocumentId
from rein.store.database import Database
from rein.store.sql import insert


@dataclass(frozen=True)
class SummaryRow:
    """What the fold of an order came to, for one use of it; one for each view, named by its `contract_id`. `content`
    is JSON."""

    order_id: DocumentId
    contract_id: DocumentId
    state: str
    content: str


class FoldCache:
    """The fold cache of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def generation(self) -> int:
        """A number that grows whenever anything changes that a fold looks at."""
        return int(self._database.rows("SELECT count FROM generation")[0]["count"])

    def set_summaries(self, use: str, version: str, generation: int, summaries: Iterable[SummaryRow]) -> bool:
        """Keep what orders came to, if nothing changed since `generation`; whether they were kept.

        :param use: who asked, and what for; the table has it as `address`.
        :param version: of the program that folded them: another one may come to something else.
        :param summaries: all views of each order.
        """
        rows = [{**vars(each), "address": use, "version": version} for each in summaries]
        if not rows:
            return True
        with self._database.writing() as connection:
            if connection.execute("SELECT count FROM generation").fetchone()["count"] != generation:
                return False
            connection.executemany("DELETE FROM summary WHERE order_id = :order_id AND address = :address", rows)
            connection.executemany(insert("summary", rows[0]), rows)
        return True

    def summaries(self, use: str, version: str) -> dict[DocumentId, list[SummaryRow]]:
        """What orders came to that have not changed since: the views of each, by contract id."""
        query = """SELECT order_id, contract_id, state, content FROM summary WHERE address = ? AND version = ?
                   ORDER BY contract_id"""
        found: dict[DocumentId, list[SummaryRow]] = {}
        for row in self._database.rows(query, use, version):
            found.setdefault(row["order_id"], []).append(SummaryRow(*row))
        return found
