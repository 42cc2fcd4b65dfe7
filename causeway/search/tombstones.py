"""Remembering what was deleted, so that replication does not bring it back and readers of the feed learn of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ARRAY, Connection, String, func, select
from sqlalchemy.dialects.postgresql import insert

from causeway.db.base import given, values_given
from causeway.search.models import document, tombstone
from causeway.search.sequence import next_number, place_for_next

_ids = func.unnest(given("ids", ARRAY(String))).table_valued("id", name="gone").render_derived()


def bury(connection: Connection, document_ids: Sequence[str], owner: str) -> None:
    """Remember that these documents went, at the wish of `owner`, who held their last copies."""
    connection.execute(_BURY, values_given(ids=list(document_ids), by=owner))


def buried(connection: Connection, document_ids: Sequence[str]) -> set[str]:
    """Those of the documents that were deleted here and are not stored again: not to be taken from a peer."""
    return set(connection.scalars(_BURIED, values_given(ids=list(document_ids))))


_place = place_for_next().cte("place")
_rows = select(_ids.c.id, next_number(), given("by", String())).select_from(
    _place.join(_ids, _place.c.locked.is_not(None))
)
_burial = insert(tombstone).from_select(["document_id", "seq", "owner"], _rows, include_defaults=False)
_BURY = _burial.on_conflict_do_update(
    index_elements=[tombstone.c.document_id],
    set_={"seq": _burial.excluded.seq, "owner": _burial.excluded.owner, "removed": func.now()},
)
_BURIED = (
    select(tombstone.c.document_id)
    .join(_ids, _ids.c.id == tombstone.c.document_id)
    .where(~select(document.c.id).where(document.c.id == tombstone.c.document_id).exists())
)
