"""Tombstones of deleted documents: replication does not bring them back, and readers of the feed learn of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ARRAY, Connection, String, and_, func, not_, or_, select
from sqlalchemy.dialects.postgresql import insert

from causeway.db.base import bind, parameter
from causeway.kv.copies import OPERATOR, is_relied_on
from causeway.search.models import document, tombstone
from causeway.search.sequence import next_number, place_for_next

_ids = func.unnest(parameter("ids", ARRAY(String))).table_valued("id", name="gone").render_derived()


def record_deletions(connection: Connection, document_ids: Sequence[str], owner: str) -> None:
    """Record that these documents are deleted by `owner`, who holds their last copies, or by the operator. They
    must still be indexed: whether the owner is their author is read there."""
    connection.execute(_RECORD, bind(ids=list(document_ids), by=owner))


def deleted_here(connection: Connection, document_ids: Sequence[str]) -> set[str]:
    """Those of the documents that are not to be taken from a peer: the operator deleted them here, or their authors
    while no other author relied on them."""
    return set(connection.scalars(_DELETED_HERE, bind(ids=list(document_ids))))


_place = place_for_next().cte("place")
_by = parameter("by", String())
# NULL is neither the author nor anybody: a legacy document may name none.
_is_authors = or_(_by == document.c.signer, func.coalesce(_by == document.c.author, False))
_final = or_(_by == OPERATOR, and_(_is_authors, not_(is_relied_on(document))))
_rows = select(_ids.c.id, next_number(), _by, _final).select_from(
    _place.join(_ids, _place.c.locked.is_not(None)).join(document, document.c.id == _ids.c.id)
)
_burial = insert(tombstone).from_select(["document_id", "seq", "owner", "final"], _rows, include_defaults=False)
_RECORD = _burial.on_conflict_do_update(
    index_elements=[tombstone.c.document_id],
    set_={
        "seq": _burial.excluded.seq,
        "owner": _burial.excluded.owner,
        # A stranger who stores it again and deletes it changes nothing of what its author wished.
        "final": or_(tombstone.c.final, _burial.excluded.final),
        "removed": func.now(),
    },
)
_DELETED_HERE = (
    select(tombstone.c.document_id).join(_ids, _ids.c.id == tombstone.c.document_id).where(tombstone.c.final)
)
