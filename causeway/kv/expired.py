"""Values of expired buckets: moved to others of their owner, and removed in the end.

All of it under the lock of the owner's buckets, as every write: what is counted and what is stored change together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, tuple_, update

from causeway.db.engine import Database
from causeway.hosting import service as hosting
from causeway.kv.copies import lock_documents, release
from causeway.kv.incoming import Listener
from causeway.kv.models import kv

BATCH = 500
"""Values in one transaction: the owner's own writes wait for it."""


@dataclass(frozen=True)
class _Place:
    """How far the values of an owner have been looked at, in the order of their age."""

    stored: datetime
    key: str


class ExpiredValues:
    """The values that nobody pays for any more: moved, and removed in the end."""

    def __init__(self, database: Database, listener: Listener) -> None:
        self._database = database
        self._listener = listener

    def move(self, owner: str, now: datetime) -> int:
        """Move an owner's values out of expired buckets into others with room, the oldest values first; how many.
        What fits nowhere stays where it is."""
        moved, place = 0, None
        while True:
            # As default arguments: the values of this turn, not of the last.
            def work(connection: Connection, after: _Place | None = place) -> tuple[int, _Place | None]:
                return _move_batch(connection, owner, now, after)

            count, place = self._database.write(work)
            moved += count
            if place is None:
                return moved

    def remove(self, owner: str, bucket_id: int) -> int:
        """Remove all values that are left in a bucket of an owner, and what the index has of them; how many."""
        removed = 0
        while count := self._database.write(lambda connection: self._remove_batch(connection, owner, bucket_id)):
            removed += count
        return removed

    def _remove_batch(self, connection: Connection, owner: str, bucket_id: int) -> int:
        hosting.lock_buckets(connection, [owner])
        rows = connection.execute(
            select(kv.c.key, kv.c.size, kv.c.document_id).where(kv.c.bucket_id == bucket_id).limit(BATCH)
        ).all()
        leaving = lock_documents(connection, [row.document_id for row in rows])
        connection.execute(delete(kv).where(kv.c.key.in_([row.key for row in rows])))
        hosting.charge_differences(connection, {bucket_id: -sum(row.size for row in rows)})
        release(connection, self._listener, leaving)
        return len(rows)


def _move_batch(connection: Connection, owner: str, now: datetime, after: _Place | None) -> tuple[int, _Place | None]:
    """Move some values; how many, and where to go on (None: all have been looked at)."""
    buckets = hosting.lock_buckets(connection, [owner], now)[owner]
    free = {bucket.id: bucket.bytes_free for bucket in buckets if bucket.live}
    expired = [bucket.id for bucket in buckets if bucket.expired]
    if not free or not expired:
        return 0, None
    wanted = select(kv.c.key, kv.c.size, kv.c.bucket_id, kv.c.stored).where(kv.c.bucket_id.in_(expired))
    if after is not None:
        wanted = wanted.where(tuple_(kv.c.stored, kv.c.key) > tuple_(after.stored, after.key))
    rows = connection.execute(wanted.order_by(kv.c.stored, kv.c.key).limit(BATCH)).all()
    targets, changes = _fit(rows, free)
    for bucket_id, keys in targets.items():
        connection.execute(update(kv).where(kv.c.key.in_(keys)).values(bucket_id=bucket_id))
    hosting.charge_differences(connection, changes)
    last = _Place(rows[-1].stored, rows[-1].key) if len(rows) == BATCH else None
    return sum(map(len, targets.values())), last


def _fit(rows: Sequence[Any], free: dict[int, int]) -> tuple[dict[int, list[str]], dict[int, int]]:
    """Which keys go to which bucket, each to the first with room for it, and by how much each bucket changes."""
    targets: dict[int, list[str]] = defaultdict(list)
    changes: dict[int, int] = defaultdict(int)
    for row in rows:
        target = next((bucket_id for bucket_id, free_bytes in free.items() if row.size <= free_bytes), None)
        if target is not None:
            free[target] -= row.size
            targets[target].append(row.key)
            changes[target] += row.size
            changes[row.bucket_id] -= row.size
    return targets, changes
