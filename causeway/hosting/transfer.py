"""Charging buckets for transfer, as parts of larger statements."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    Select,
    Update,
    func,
    select,
    update,
)
from sqlalchemy.sql.expression import ColumnElement

from causeway.hosting.models import bucket


def serve_from(size: Any) -> Update:
    """A statement that charges transfer of `size` (a column) to a bucket, unless that would exceed what it has. The
    caller adds which bucket, and what to return."""
    return (
        update(bucket)
        .where(bucket.c.transfer_used + size <= bucket.c.transfer_total)
        .values(transfer_used=bucket.c.transfer_used + size)
    )


def serve_from_another(owner: Any, size: Any) -> Update:
    """As `serve_from`, for values whose own bucket has no transfer left: charged to the bucket of `owner` (a column)
    that expires first of those that have some. No row: none has, or another reader was quicker at the last of it."""
    other = bucket.alias("other")
    first = (
        select(other.c.id)
        .where(other.c.owner == owner, *_has_transfer(other, size))
        .order_by(other.c.expires, other.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return serve_from(size).where(bucket.c.id == first)


def has_transfer(owner: Any, size: Any) -> ColumnElement[bool]:
    """Whether there is a bucket that `serve_from_another` could charge."""
    other = bucket.alias("other")
    return select(other.c.id).where(other.c.owner == owner, *_has_transfer(other, size)).exists()


def _has_transfer(other: Any, size: Any) -> tuple[ColumnElement[bool], ...]:
    return (
        other.c.expires > func.now(),
        ~other.c.frozen,
        other.c.transfer_used + size <= other.c.transfer_total,
    )


def locked_transfer(bucket_ids: Select[Any]) -> CTE:
    """What buckets have left, in a part of a statement that locks them in the order of their ids. Columns: id,
    transfer_left."""
    return (
        select(bucket.c.id, (bucket.c.transfer_total - bucket.c.transfer_used).label("transfer_left"))
        .where(bucket.c.id.in_(bucket_ids))
        .order_by(bucket.c.id)
        .with_for_update(key_share=True)
        .cte("locked_transfer")
    )


def serve_in_bulk(bytes_of: Any) -> CTE:
    """A part of a statement that charges transfer to many buckets; `bytes_of` has the columns bucket_id and bytes."""
    return (
        update(bucket)
        .where(bucket.c.id == bytes_of.c.bucket_id)
        .values(transfer_used=bucket.c.transfer_used + bytes_of.c.bytes)
        .returning(bucket.c.id)
        .cte("served_buckets")
    )
