"""Pages of an answer: where one begins, how long it is, and where the next one begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, func, or_, select

from causeway.search.models import document
from causeway.search.schemas import FoundDocument
from rein.protocol.documents import Kind
from rein.protocol.wire import MAX_QUERY_ROWS

MAX_ANSWER_BYTES = 4_000_000
"""Bytes of documents in one answer; the first document is in it whatever its size."""

Candidates = Select[Any] | CompoundSelect[Any]
"""A statement with the columns seq and size (bytes) of documents."""


@dataclass(frozen=True)
class Page:
    """At most `limit` documents that come after number `after` (None: the first ones), by number."""

    after: int | None = None
    limit: int = MAX_QUERY_ROWS
    newest_first: bool = False

    def order(self, seq: ColumnElement[int]) -> ColumnElement[int]:
        return seq.desc() if self.newest_first else seq.asc()

    def cut(self, statement: Select[Any], seq: ColumnElement[int]) -> Select[Any]:
        """Only what can be on this page, and one more, to know whether there is a next. Every branch of a query is
        cut, so that each reads a bounded stretch of an index, however many documents there are."""
        if self.after is not None:
            statement = statement.where(seq < self.after if self.newest_first else seq > self.after)
        return statement.order_by(self.order(seq)).limit(self.limit + 1)


@dataclass(frozen=True)
class DocumentPage:
    """Armored documents, and the `after` of the next page (None: this was the last)."""

    documents: Sequence[str]
    next: int | None


def read_page(connection: Connection, candidates: Candidates, page: Page) -> DocumentPage:
    """Fetch a page of the candidates."""
    found, after = read_found(connection, candidates, page)
    return DocumentPage([each.armored for each in found], after)


def read_found(connection: Connection, candidates: Candidates, page: Page) -> tuple[list[FoundDocument], int | None]:
    """Fetch a page of the candidates, and the `after` of the next one."""
    of = candidates.subquery("candidate")
    cut = page.cut(select(of.c.seq, of.c.size), of.c.seq).subquery("cut")
    by_number = page.order(cut.c.seq)
    sized = select(
        cut.c.seq,
        func.sum(cut.c.size).over(order_by=by_number).label("bytes"),
        func.row_number().over(order_by=by_number).label("position"),
        func.count().over().label("candidates"),
    ).subquery("sized")
    rows = connection.execute(
        select(document.c.seq, document.c.id, document.c.kind, document.c.armored, sized.c.candidates)
        .join_from(sized, document, document.c.seq == sized.c.seq)
        .where(
            sized.c.position <= page.limit,
            or_(sized.c.bytes <= MAX_ANSWER_BYTES, sized.c.position == 1),
        )
        .order_by(page.order(document.c.seq))
    ).all()
    is_last = not rows or len(rows) == rows[0].candidates
    found = [FoundDocument(row.seq, row.id, Kind(row.kind), row.armored) for row in rows]
    return found, None if is_last else rows[-1].seq
