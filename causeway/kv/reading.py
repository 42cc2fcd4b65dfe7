"""Serving values: those that all waiting requests ask for, in one statement, charged to the buckets that hold them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Connection, Integer, Row, Select, String, func, select

from causeway.db.base import bind, parameter
from causeway.db.prepared import Prepared
from causeway.errors import AnswerFullError, KeyNotFoundError, TransferExhaustedError
from causeway.hosting import transfer
from causeway.kv.models import kv
from rein.errors import ReinError
from rein.protocol.wire import MAX_BATCH_BYTES

Served = Sequence[str | ReinError]


@dataclass(frozen=True)
class ReadRequest:
    """One request: its keys, each once. A task of `causeway.db.group_commit`."""

    keys: Sequence[str]

    @property
    def weight(self) -> int:
        return len(self.keys)

    @property
    def claims(self) -> frozenset[Hashable]:
        return frozenset()


def serve(connection: Connection, reads: Sequence[ReadRequest]) -> Sequence[Served]:
    """The values under the keys of each request; an error for each that is not served. Of a bucket that has transfer
    for some only, the first are served; the others as long as another bucket of its owner can. What others ask for
    at the same time takes nothing away from what a request would get alone."""
    asked = [(number, key) for number, read in enumerate(reads) for key in read.keys]
    found = _SERVE(connection, keys=[key for _, key in asked], requests=[number for number, _ in asked])
    rows = {row.at - 1: row for row in found}
    exhausted: set[tuple[int, int]] = set()
    answers: list[list[str | ReinError]] = [[] for _ in reads]
    for at, (number, key) in enumerate(asked):
        row = rows.get(at)
        value = row.value if row is not None else None
        if row is not None and row.fits and value is None and (number, row.bucket_id) not in exhausted:
            if len(reads) > 1:
                value = _serve_alone(connection, key)
            if value is None:
                value = _serve_from_another(connection, key)
            if value is None:
                exhausted.add((number, row.bucket_id))
        answers[number].append(str(value) if value is not None else _refusal(row))
    return answers


def _refusal(row: Row[Any] | None) -> ReinError:
    if row is None:
        return KeyNotFoundError("Key not found.")
    if not row.fits:
        return AnswerFullError("the answer is full", hint="Ask for this key again.")
    return TransferExhaustedError(
        "The transfer that was bought for this value is used up.",
        hint="The value is kept. Its owner can get more transfer; other servers may have it too.",
    )


def _serve_alone(connection: Connection, key: str) -> str | None:
    """A value that did not fit into the transfer of its bucket behind others, which may have been too large for it."""
    row = _SERVE(connection, keys=[key], requests=[0]).first()
    return None if row is None or row.value is None else str(row.value)


def _serve_from_another(connection: Connection, key: str) -> str | None:
    """A value whose own bucket has no transfer left, charged to another bucket of its owner; None if none has any."""
    while connection.scalar(_COULD_SERVE, bind(key=key)):
        value = connection.scalar(_SERVE_FROM_ANOTHER, bind(key=key))
        if value is not None:
            return str(value)
    return None


def _serving() -> Select[Any]:
    """Charge the buckets for what they can serve and fetch it. A row for each key that is known; its value is null
    where the bucket has no transfer left for it. What does not fit into the answer to its request is not charged.

    The buckets are locked in the order of their ids, and what they have left is read from the locked rows."""
    keys = func.unnest(parameter("keys", ARRAY(String)), parameter("requests", ARRAY(Integer))).table_valued(
        "key", "request", with_ordinality="at", name="asked"
    )
    keys = keys.render_derived()
    before = func.sum(kv.c.size).over(partition_by=keys.c.request, order_by=keys.c["at"])
    wanted = (
        select(kv.c.key, kv.c.bucket_id, kv.c.size, keys.c["at"], (before <= MAX_BATCH_BYTES).label("fits"))
        .join(keys, keys.c.key == kv.c.key)
        .cte("wanted")
    )
    left = transfer.locked_transfer(select(wanted.c.bucket_id).where(wanted.c.fits))
    so_far = func.sum(wanted.c.size).over(partition_by=wanted.c.bucket_id, order_by=wanted.c["at"])
    served = (
        select(wanted.c.key, wanted.c.bucket_id, wanted.c.size, wanted.c["at"])
        .add_columns((so_far <= left.c.transfer_left).label("paid"))
        .join(left, left.c.id == wanted.c.bucket_id)
        .where(wanted.c.fits)
        .cte("served")
    )
    bytes_of = (
        select(served.c.bucket_id, func.sum(served.c.size).label("bytes"))
        .where(served.c.paid)
        .group_by(served.c.bucket_id)
        .subquery("bytes_of")
    )
    charged = transfer.serve_in_bulk(bytes_of)
    value = select(kv.c.value).where(kv.c.key == served.c.key, served.c.paid).scalar_subquery()
    return (
        select(wanted.c["at"], wanted.c.bucket_id, wanted.c.fits, value.label("value"))
        .select_from(wanted.outerjoin(served, served.c["at"] == wanted.c["at"]))
        .add_cte(charged)
    )


_SERVE = Prepared(_serving())
_SERVE_FROM_ANOTHER = (
    transfer.serve_from_another(kv.c.owner, kv.c.size).where(kv.c.key == parameter("key")).returning(kv.c.value)
)
_COULD_SERVE = select(kv.c.key).where(kv.c.key == parameter("key"), transfer.has_transfer(kv.c.owner, kv.c.size))
