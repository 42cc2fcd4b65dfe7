"""Buckets that have expired, or will soon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Connection,
    and_,
    delete,
    func,
    select,
)

from causeway.hosting.models import bucket


@dataclass(frozen=True)
class ExpiringBucket:
    """A bucket that holds values and has expired, or will soon."""

    id: int
    owner: str
    expires: datetime
    bytes_used: int


def owners_with_expired(connection: Connection, now: datetime) -> list[str]:
    """Owners of buckets that expired and hold values still."""
    expired = select(bucket.c.owner).where(bucket.c.expires <= now, bucket.c.bytes_used > 0)
    return list(connection.scalars(expired.distinct().order_by(bucket.c.owner)))


def expiring_before(connection: Connection, before: datetime) -> list[ExpiringBucket]:
    """Buckets that hold values and expire before a moment, those that did included, soonest first."""
    rows = connection.execute(
        select(bucket.c.id, bucket.c.owner, bucket.c.expires, bucket.c.bytes_used)
        .where(bucket.c.expires <= before, bucket.c.bytes_used > 0)
        .order_by(bucket.c.expires, bucket.c.id)
    )
    return [ExpiringBucket(*row) for row in rows]


def free_bytes_after(connection: Connection, owner: str, moment: datetime) -> int:
    """Bytes free in the owner's buckets that last longer than a moment."""
    lasting = and_(bucket.c.owner == owner, bucket.c.expires > moment, ~bucket.c.frozen)
    free = func.sum(bucket.c.bytes_total - bucket.c.bytes_used)
    return int(connection.scalar(select(func.coalesce(free, 0)).where(lasting)) or 0)


def remove_empty(connection: Connection, expired_before: datetime) -> int:
    """Remove buckets that expired before a moment and hold nothing; how many."""
    gone = delete(bucket).where(bucket.c.expires <= expired_before, bucket.c.bytes_used == 0)
    return connection.execute(gone).rowcount
