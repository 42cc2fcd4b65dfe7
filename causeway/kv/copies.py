"""Copies of documents: values of several owners may be the same document, and the last of them takes it along."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ARRAY, Connection, String, func, select

from causeway.db.base import given, values_given
from causeway.kv.models import document_row, kv


def hold_still(connection: Connection, document_ids: Iterable[str | None]) -> list[str]:
    """Lock documents before copies of them are given up, so that of two owners who give up the last two copies at
    once, the second sees that the first is gone. The ids, each once."""
    ids = sorted({each for each in document_ids if each is not None})
    if ids:
        connection.execute(_LOCK, values_given(ids=ids))
    return ids


def without_copy(connection: Connection, document_ids: list[str]) -> list[str]:
    """Those of the documents that no value holds any more."""
    return list(connection.scalars(_WITHOUT, values_given(ids=document_ids))) if document_ids else []


_ids = func.unnest(given("ids", ARRAY(String))).table_valued("id", name="released").render_derived()
_LOCK = (
    select(document_row.c.id)
    .where(document_row.c.id.in_(select(_ids.c.id)))
    .order_by(document_row.c.id)
    .with_for_update(key_share=True)
)
_WITHOUT = select(_ids.c.id).where(~select(kv.c.key).where(kv.c.document_id == _ids.c.id).exists())
