"""Documents by their ids, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ARRAY, Connection, String, func, literal, select

from causeway.search.models import document
from causeway.search.pages import MAX_ANSWER_BYTES
from causeway.search.schemas import DocumentsAnswer, FoundDocument
from rein.protocol.documents import Kind


def read_by_id(connection: Connection, ids: Sequence[str]) -> DocumentsAnswer:
    """The documents, in the order asked; the ids of those that would make the answer too large; and those that are
    not stored here."""
    wanted = list(dict.fromkeys(ids))
    any_of = func.any(literal(wanted, ARRAY(String)))
    sizes = {row.id: row.size for row in connection.execute(_SIZES.where(document.c.id == any_of))}
    taken: list[str] = []
    left: list[str] = []
    total = 0
    for each in wanted:
        if each in sizes:
            total += sizes[each]
            (taken if total <= MAX_ANSWER_BYTES or not taken else left).append(each)
    rows = connection.execute(_DOCUMENTS.where(document.c.id == func.any(literal(taken, ARRAY(String)))))
    found = {row.id: FoundDocument(row.seq, row.id, Kind(row.kind), row.armored) for row in rows}
    # One that was removed between the two statements is missing, too.
    missing = [each for each in wanted if each not in found and each not in left]
    documents = [found[each] for each in taken if each in found]
    return DocumentsAnswer(documents=documents, left=left, missing=missing)


def count_documents(connection: Connection) -> int:
    """How many documents are indexed."""
    return connection.scalar(select(func.count()).select_from(document)) or 0


_SIZES = select(document.c.id, document.c.size)
_DOCUMENTS = select(document.c.seq, document.c.id, document.c.kind, document.c.armored)
