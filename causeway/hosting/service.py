"""Granting buckets, and charging them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, Connection, Select, Update, case, func, insert, select, update

from causeway.accounts import service as accounts
from causeway.db.base import given
from causeway.errors import StorageExhaustedError
from causeway.hosting.models import bucket

BUCKET_BYTES = 1_048_576
"""1 MB of storage: UTF-8 bytes of keys and values."""

BUCKET_TRANSFER = 50 * 1_048_576
"""50 MB of transfer."""

BUCKET_TERM = timedelta(days=365)
FREE_BUCKETS = 4
"""Free buckets an owner may have at a time."""


@dataclass(frozen=True)
class BucketState:
    """A bucket as its owner sees it."""

    id: int
    created: datetime
    expires: datetime
    bytes_free: int
    transfer_free: int


@dataclass(frozen=True)
class Room:
    """A bucket as a writer sees it: locked until the transaction ends. `live` is false once it expired."""

    id: int
    live: bool
    bytes_free: int


@dataclass(frozen=True)
class Charge:
    """What a write changes: `charged` gives `charge` bytes; `credited`, perhaps the same, gets `credit` bytes back."""

    charged: int
    charge: int
    credited: int
    credit: int


def request_bucket(
    connection: Connection, owner: str, *, delegate: str | None, contact: str | None
) -> tuple[bool, list[BucketState]]:
    """Grant an owner one more free bucket if there are fewer than `FREE_BUCKETS`; whether it did, and all of them.

    Registering locks the owner, so that requests at the same time cannot get more together.
    """
    accounts.register(connection, owner, delegate=delegate, contact=contact)
    granted = len(live_buckets(connection, owner)) < FREE_BUCKETS
    if granted:
        connection.execute(
            insert(bucket).values(
                owner=owner,
                expires=func.now() + BUCKET_TERM,
                bytes_total=BUCKET_BYTES,
                transfer_total=BUCKET_TRANSFER,
            )
        )
    return granted, live_buckets(connection, owner)


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


def locked_rooms() -> Select[Any]:
    """All buckets of the parameter `owner`, locked until the transaction ends, so that an owner's writes queue up and
    each sees what the one before it left. Columns: room_id, room_live, room_free; the caller may add its own."""
    return (
        select(
            bucket.c.id.label("room_id"),
            (bucket.c.expires > func.now()).label("room_live"),
            (bucket.c.bytes_total - bucket.c.bytes_used).label("room_free"),
        )
        .where(bucket.c.owner == given("owner"))
        .order_by(bucket.c.expires.desc(), bucket.c.id)
        .with_for_update(of=bucket, key_share=True)
    )


def charge_for(rooms: Sequence[Room], size: int, *, old_bucket: int | None, old_size: int) -> Charge:
    """Where a value of `size` bytes goes that replaces one of `old_size` in `old_bucket` (None: it is new).

    It stays in its bucket and changes it by the difference, or moves to the one that lasts longest and has room.

    :raises StorageExhaustedError: no bucket has room for it.
    """
    for room in rooms:
        if room.live and room.id == old_bucket and size - old_size <= room.bytes_free:
            return Charge(room.id, size, room.id, old_size)
    for room in rooms:
        if room.live and room.id != old_bucket and size <= room.bytes_free:
            return Charge(room.id, size, room.id if old_bucket is None else old_bucket, old_size)
    raise StorageExhaustedError(
        "Insufficient storage space.", hint="GET /request grants a bucket, as long as there are fewer than four."
    )


def apply_charge() -> CTE:
    """A part of a statement that carries a `Charge` out; its fields are parameters."""
    charge = case((bucket.c.id == given("charged"), given("charge")), else_=0)
    credit = case((bucket.c.id == given("credited"), given("credit")), else_=0)
    return (
        update(bucket)
        .where(bucket.c.id.in_([given("charged"), given("credited")]))
        .values(bytes_used=bucket.c.bytes_used + charge - credit)
        .returning(bucket.c.id)
        .cte("charged_buckets")
    )


def serve_from(size: Any) -> Update:
    """A statement that charges transfer of `size` (a column) to a bucket, unless that would exceed what it has. The
    caller adds which bucket, and what to return."""
    return (
        update(bucket)
        .where(bucket.c.transfer_used + size <= bucket.c.transfer_total)
        .values(transfer_used=bucket.c.transfer_used + size)
    )


def bucket_id() -> Any:
    """The column that values point to."""
    return bucket.c.id


def stored_bytes(connection: Connection) -> int:
    """Bytes stored in all buckets together."""
    return int(connection.scalar(select(func.coalesce(func.sum(bucket.c.bytes_used), 0))) or 0)
