"""Copies of documents: values of several owners may be the same document, another may be kept for a peer, and the last
of them takes it along."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ARRAY, ColumnElement, Connection, FromClause, String, and_, delete, func, not_, or_, select

from causeway.auth import service as auth
from causeway.db.base import bind, parameter
from causeway.kv.incoming import Listener
from causeway.kv.models import document_row, kv, replica_row

OPERATOR = "operator"
"""Who deletes, where the operator does. No owner is called that: owners are addresses."""


def lock_documents(connection: Connection, document_ids: Iterable[str | None]) -> list[str]:
    """Lock documents before copies of them are given up, so that of two owners who give up the last two copies at
    once, the second sees that the first is gone. The ids, each once."""
    ids = sorted({each for each in document_ids if each is not None})
    if ids:
        connection.execute(_LOCK, bind(ids=ids))
    return ids


def release(
    connection: Connection, listener: Listener, document_ids: list[str], *, deleted_by: str | None = None
) -> None:
    """Announce which of some locked documents are gone: held by no value any more, and by no copy kept for a peer.

    :param deleted_by: who asked for it, an owner or `OPERATOR`; the copies kept for peers of what is theirs go, too,
        unless others rely on it.
    """
    if not document_ids:
        return
    if deleted_by is not None:
        _drop_replicas(connection, document_ids, deleted_by)
    gone = without_copy(connection, document_ids)
    if not gone:
        return
    if deleted_by is not None:
        listener.deleted(connection, gone, deleted_by)
    listener.released(connection, *gone)
    auth.forget_delegation(connection, *gone)


def without_copy(connection: Connection, document_ids: list[str]) -> list[str]:
    """Those of the documents that no value holds any more, and no copy that is kept for a peer."""
    return list(connection.scalars(_WITHOUT, bind(ids=document_ids)))


def is_relied_on(of: FromClause) -> ColumnElement[bool]:
    """That another author has a document in the order of this one, or in an order in which its author, whose enrollment
    it is, has a part. `of` has columns of the table `document`."""
    other, named = document_row.alias("other"), document_row.alias("named")

    def has_other(order: FromClause) -> ColumnElement[bool]:
        return select(other.c.id).where(other.c.order_id == order.c.order_id, other.c.author != of.c.author).exists()

    in_part = or_(*(named.c[f"{role}_address"] == of.c.author for role in ("creator", "worker", "mediator")))
    with_others = or_(named.c.author != of.c.author, has_other(named))
    has_part = select(named.c.id).where(in_part, with_others).correlate(of).exists()
    return or_(has_other(of), and_(of.c.order_id.is_(None), has_part))


def _drop_replicas(connection: Connection, document_ids: list[str], by: str) -> None:
    """Give up the copies kept for peers of those documents that `by`, who deletes them, is the author of: a stranger
    who stores somebody's document and deletes it again must not take it from everybody. Nor do authors take away what
    others rely on."""
    connection.execute(_DROP, bind(ids=document_ids, by=by))


_ids = func.unnest(parameter("ids", ARRAY(String))).table_valued("id", name="released").render_derived()
_LOCK = (
    select(document_row.c.id)
    .where(document_row.c.id.in_(select(_ids.c.id)))
    .order_by(document_row.c.id)
    .with_for_update(key_share=True)
)
_WITHOUT = select(_ids.c.id).where(
    ~select(kv.c.key).where(kv.c.document_id == _ids.c.id).exists(),
    ~select(replica_row.c.document_id).where(replica_row.c.document_id == _ids.c.id).exists(),
)
_by = parameter("by", String())
_DROP = delete(replica_row).where(
    replica_row.c.document_id.in_(select(_ids.c.id)),
    replica_row.c.document_id == document_row.c.id,
    or_(
        and_(
            _by.in_([document_row.c.author, document_row.c.signer]),
            not_(is_relied_on(document_row)),
        ),
        _by == OPERATOR,
    ),
)
