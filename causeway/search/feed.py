"""The feed: everything that came and went on this server, in one order, for readers who want only what is new."""

from __future__ import annotations

from sqlalchemy import Connection, select

from causeway.search.models import document, tombstone
from causeway.search.pages import Page, read_found
from causeway.search.schemas import FeedAnswer, RemovedDocument
from causeway.search.sequence import settled
from rein.protocol.documents import Kind


def read_feed(
    connection: Connection, server: str, after: int, limit: int, *, kind: Kind | None, network: str | None
) -> FeedAnswer:
    """Documents and removals behind number `after`, at most `limit` of each. `server` names the feed."""
    horizon = settled(connection)
    wanted = select(document.c.seq, document.c.size).where(document.c.seq <= horizon)
    if kind is not None:
        wanted = wanted.where(document.c.kind == kind.value)
    if network is not None:
        wanted = wanted.where(document.c.network == network)
    page = Page(after=after, limit=limit)
    found, more = read_found(connection, page.cut(wanted, document.c.seq), page)
    end = max(after, horizon) if more is None else more
    gone = select(tombstone.c.seq, tombstone.c.document_id).where(tombstone.c.seq > after, tombstone.c.seq <= end)
    removed = [RemovedDocument(*row) for row in connection.execute(gone.order_by(tombstone.c.seq).limit(limit + 1))]
    if len(removed) > limit:
        removed = removed[:limit]
        end = removed[-1].seq
        found = [each for each in found if each.seq <= end]
    return FeedAnswer(server=server, documents=found, removed=removed, next=end, settled=horizon)
