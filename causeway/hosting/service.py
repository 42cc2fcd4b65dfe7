"""Granting buckets, and charging them for storage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    DateTime,
    String,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.expression import ColumnElement

from causeway.accounts import service as accounts
from causeway.db.base import parameter, parameter_rows
from causeway.db.prepared import Prepared
from causeway.errors import StorageExhaustedError
from causeway.hosting.models import bucket, subnet_day

BUCKET_BYTES = 1_048_576
"""1 MB of storage: UTF-8 bytes of keys and values."""

BUCKET_TRANSFER = 50 * 1_048_576
"""50 MB of transfer."""

BUCKET_TERM = timedelta(days=365)

MORE_STORAGE = "`rein request` (GET /request) gets a bucket where it is free, `rein buy` (GET /buy) buys one."
"""What to do where there is no space."""

SUBNET_DAYS_KEPT = 2


@dataclass(frozen=True)
class FreeTerms:
    """What is given away: so many buckets to an owner at a time, and to an subnet a day."""

    per_owner: int
    per_subnet_a_day: int


class GrantOutcome(Enum):
    """What became of a request for a free bucket."""

    GRANTED = "granted"
    OWNER_LIMIT = "the owner has as many as are free"
    SUBNET_LIMIT = "the owner's subnet has had as many as are free today"


@dataclass(frozen=True)
class BucketState:
    """A bucket as its owner sees it."""

    id: int
    created: datetime
    expires: datetime
    bytes_free: int
    transfer_free: int


@dataclass(frozen=True)
class LockedBucket:
    """A bucket as a writer sees it: locked until the transaction ends. `live` is false once it expired or is frozen."""

    id: int
    live: bool
    bytes_free: int
    expired: bool = False


@dataclass(frozen=True)
class Charge:
    """What a write changes: `charged` gives `charge` bytes; `credited`, perhaps the same, gets `credit` bytes back."""

    charged: int
    charge: int
    credited: int
    credit: int


def request_bucket(
    connection: Connection,
    owner: str,
    *,
    delegate: str | None,
    contact: str | None,
    terms: FreeTerms,
    subnet: str | None,
) -> tuple[GrantOutcome, list[BucketState]]:
    """Grant an owner one more free bucket if the terms allow it; what became of it, and all of the owner's buckets.

    Registering locks the owner, so that requests at the same time cannot get more together. `subnet` is the address
    subnet that asks (None: one that is not counted).
    """
    accounts.register(connection, owner, delegate=delegate, contact=contact)
    if _count_free(connection, owner) >= terms.per_owner:
        outcome = GrantOutcome.OWNER_LIMIT
    elif not count_grant(connection, subnet, "bucket", terms.per_subnet_a_day):
        outcome = GrantOutcome.SUBNET_LIMIT
    else:
        grant_bucket(connection, owner, free=True)
        outcome = GrantOutcome.GRANTED
    return outcome, live_buckets(connection, owner)


def grant_bucket(connection: Connection, owner: str, *, free: bool) -> int:
    """A new bucket for a registered owner, for a year from now; its id."""
    row = insert(bucket).values(
        owner=owner,
        expires=func.now() + BUCKET_TERM,
        bytes_total=BUCKET_BYTES,
        transfer_total=BUCKET_TRANSFER,
        free=free,
    )
    return int(connection.execute(row.returning(bucket.c.id)).scalar_one())


def count_grant(connection: Connection, subnet: str | None, what: str, limit: int) -> bool:
    """Count one more of `what` for an subnet today, unless it has had `limit`; whether it was counted."""
    if subnet is None:
        return True
    if limit == 0:
        return False
    today = datetime.now(UTC).date()
    counted = upsert(subnet_day).values(day=today, subnet=subnet, what=what, count=1)
    counted = counted.on_conflict_do_update(
        index_elements=[subnet_day.c.day, subnet_day.c.subnet, subnet_day.c.what],
        set_={"count": subnet_day.c.count + 1},
        where=subnet_day.c.count < limit,
    )
    return connection.scalar(counted.returning(subnet_day.c.count)) is not None


def forget_old_grants(connection: Connection, now: datetime) -> None:
    """Drop the counts of days that are over."""
    connection.execute(delete(subnet_day).where(subnet_day.c.day < (now - timedelta(days=SUBNET_DAYS_KEPT)).date()))


def _count_free(connection: Connection, owner: str) -> int:
    live = select(func.count()).where(bucket.c.owner == owner, bucket.c.expires > func.now(), bucket.c.free)
    return connection.scalar(live) or 0


def freeze_only(connection: Connection, owner: str, bucket_ids: Sequence[int]) -> None:
    """Freeze these buckets of an owner, and no others of the owner."""
    wanted: ColumnElement[bool] = bucket.c.id.in_(bucket_ids)
    connection.execute(
        update(bucket).where(bucket.c.owner == owner, bucket.c.frozen != wanted).values(frozen=~bucket.c.frozen)
    )


def live_buckets(connection: Connection, owner: str) -> list[BucketState]:
    """An owner's buckets that have not expired, oldest first."""
    rows = connection.execute(
        select(
            bucket.c.id,
            bucket.c.created,
            bucket.c.expires,
            bucket.c.bytes_total - bucket.c.bytes_used,
            bucket.c.transfer_total - bucket.c.transfer_used,
        )
        .where(bucket.c.owner == owner, bucket.c.expires > func.now())
        .order_by(bucket.c.id)
    )
    return [BucketState(*row) for row in rows]


def lock_buckets(
    connection: Connection, owners: Iterable[str], now: datetime | None = None
) -> dict[str, list[LockedBucket]]:
    """The buckets of each of the owners, those that last longest first. All are locked until the transaction ends, so
    that an owner's writes queue up and each sees what the one before it left; and in the order of their ids, as
    everywhere, so that there are no deadlocks.

    :param now: at which it is asked whether a bucket has expired; the database's own time if not given.
    """
    names = sorted(set(owners))
    locked: dict[str, list[LockedBucket]] = {name: [] for name in names}
    rows = _LOCK_BUCKETS(connection, owners=names, now=now).all()
    for row in sorted(rows, key=lambda row: (row.expires, -row.id), reverse=True):
        locked[row.owner].append(LockedBucket(row.id, row.live, row.free, row.expired))
    return locked


_now = func.coalesce(parameter("now", DateTime(timezone=True)), func.now())
_LOCK_BUCKETS = Prepared(
    select(
        bucket.c.owner,
        bucket.c.id,
        bucket.c.expires,
        and_(bucket.c.expires > _now, ~bucket.c.frozen).label("live"),
        (bucket.c.expires <= _now).label("expired"),
        (bucket.c.bytes_total - bucket.c.bytes_used).label("free"),
    )
    .where(bucket.c.owner == func.any(parameter("owners", ARRAY(String))))
    .order_by(bucket.c.id)
    .with_for_update(key_share=True)
)


def charge_for(buckets: Sequence[LockedBucket], size: int, *, old_bucket: int | None, old_size: int) -> Charge:
    """Where a value of `size` bytes goes that replaces one of `old_size` in `old_bucket` (None: it is new).

    It stays in its bucket and changes it by the difference, or moves to the one that lasts longest and has room.

    :raises StorageExhaustedError: no bucket has room for it.
    """
    for each in buckets:
        if each.live and each.id == old_bucket and size - old_size <= each.bytes_free:
            return Charge(each.id, size, each.id, old_size)
    for each in buckets:
        if each.live and each.id != old_bucket and size <= each.bytes_free:
            return Charge(each.id, size, each.id if old_bucket is None else old_bucket, old_size)
    free = max((each.bytes_free for each in buckets if each.live), default=0)
    raise StorageExhaustedError(
        "Insufficient storage space.",
        hint=f"{size:,} bytes are needed; the bucket with the most space has {free:,}. {MORE_STORAGE}",
    )


def stored_bytes(connection: Connection) -> int:
    """Bytes stored in all buckets together."""
    return int(connection.scalar(select(func.coalesce(func.sum(bucket.c.bytes_used), 0))) or 0)


def charge_differences(connection: Connection, differences: Mapping[int, int]) -> None:
    """Change what buckets hold by so many bytes each. They must be locked (`lock_buckets`)."""
    changed = [{"id": each, "bytes": size} for each, size in differences.items() if size]
    if changed:
        _CHANGE(connection, changed=json.dumps(changed))


_changed = parameter_rows("changed", id=BigInteger(), bytes=BigInteger())
_CHANGE = Prepared(
    update(bucket).where(bucket.c.id == _changed.c.id).values(bytes_used=bucket.c.bytes_used + _changed.c.bytes)
)
