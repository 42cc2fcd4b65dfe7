"""Deletion by filter: illegal content, spam, an owner who asked for it by letter."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, false, func, select, true

from causeway.app import LISTENER
from causeway.db.engine import Database
from causeway.errors import FilterError
from causeway.kv.models import kv
from causeway.kv.removal import remove_replicas, remove_values
from causeway.ops.logs import write
from causeway.replication.models import replica
from causeway.search.models import document
from rein.protocol.documents import Kind

log = logging.getLogger(__name__)

OPAQUE = "opaque"
KINDS = (*(kind.value for kind in Kind), OPAQUE)
FILTERS = ("owner", "key", "document", "kind", "older-than", "peer")

KEYS_AT_A_TIME = 200
"""Values or copies removed in one transaction: an owner's writes wait for it."""

_DAYS = re.compile(r"([0-9]{1,5})d")


@dataclass(frozen=True)
class Match:
    """What a filter finds: a value under its key, or a copy kept for a peer, whose owner is the peer's URL and whose
    key is the document's id."""

    owner: str
    key: str
    kind: str
    size: int
    stored: datetime
    replica: bool = False


@dataclass(frozen=True)
class Condition:
    """A filter, as a condition on values and one on copies kept for peers."""

    values: ColumnElement[bool]
    replicas: ColumnElement[bool] = field(default_factory=false)


def parse_filters(texts: Sequence[str], now: datetime) -> list[Condition]:
    """Conditions that must all hold, each written as name=value.

    :raises FilterError: one is not a filter, or there is none at all: that would be everything.
    """
    if not texts:
        raise FilterError("there is no filter", hint=f"Give --filter NAME=VALUE; names: {', '.join(FILTERS)}.")
    return [_condition(text, now) for text in texts]


def _condition(text: str, now: datetime) -> Condition:
    name, equals, value = text.partition("=")
    if not equals or not value or name not in FILTERS:
        raise FilterError(f"invalid filter {text[:60]!r}", hint=f"NAME=VALUE; names: {', '.join(FILTERS)}.")
    if name == "owner":
        return Condition(kv.c.owner == value)
    if name == "peer":
        return Condition(false(), replica.c.peer == value)
    if name == "document":
        return Condition(kv.c.document_id == value, replica.c.document_id == value)
    if name == "key":
        # A star at the end stands for anything; nothing else is special.
        is_prefix = value.endswith("*")
        return Condition(kv.c.key.startswith(value[:-1], autoescape=True) if is_prefix else kv.c.key == value)
    if name == "kind":
        return _kind(value)
    moment = _moment(value, now)
    return Condition(kv.c.stored < moment, document.c.stored < moment)


def _kind(value: str) -> Condition:
    if value not in KINDS:
        raise FilterError(f"unknown kind {value[:20]!r}", hint=f"One of: {', '.join(KINDS)}.")
    if value == OPAQUE:
        return Condition(kv.c.document_id.is_(None))
    return Condition(document.c.kind == value, document.c.kind == value)


def _moment(value: str, now: datetime) -> datetime:
    """`30d`, or a date."""
    match = _DAYS.fullmatch(value)
    if match:
        return now - timedelta(days=int(match[1]))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise FilterError(f"invalid age {value[:30]!r}", hint="It looks like 30d, or like 2026-01-31.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def find(connection: Connection, conditions: Sequence[Condition]) -> list[Match]:
    """What would go, by owner and key; copies kept for peers at the end."""
    kind = func.coalesce(document.c.kind, OPAQUE)
    statement = select(kv.c.owner, kv.c.key, kind, kv.c.size, kv.c.stored)
    joined = statement.outerjoin(document, document.c.id == kv.c.document_id)
    values = joined.where(*(each.values for each in conditions)).order_by(kv.c.owner, kv.c.key)
    copies = (
        select(replica.c.peer, document.c.id, document.c.kind, document.c.size, document.c.stored, true())
        .join_from(replica, document, document.c.id == replica.c.document_id)
        .where(*(each.replicas for each in conditions))
        .order_by(replica.c.peer, document.c.id)
    )
    return [Match(*row) for statement in (values, copies) for row in connection.execute(statement)]


def remove(database: Database, found: Sequence[Match], reason: str) -> int:
    """Delete what was found and remember that its documents were deleted; how much it was. The log has the reason."""
    removed = 0
    for url, ids in _chunks([each for each in found if each.replica]):
        database.write(partial(remove_replicas, listener=LISTENER, document_ids=ids))
        removed += len(ids)
        write(log, logging.WARNING, "deleted by the operator", peer=url, documents=",".join(ids), reason=reason)
    for owner, keys in _chunks([each for each in found if not each.replica]):
        gone = database.write(partial(remove_values, listener=LISTENER, owner=owner, keys=keys))
        removed += len(gone)
        write(log, logging.WARNING, "deleted by the operator", owner=owner, keys=",".join(gone), reason=reason)
    return removed


def _chunks(found: Sequence[Match]) -> Iterator[tuple[str, list[str]]]:
    for owner, values in groupby(found, key=lambda each: each.owner):
        keys = [each.key for each in values]
        for begin in range(0, len(keys), KEYS_AT_A_TIME):
            yield owner, keys[begin : begin + KEYS_AT_A_TIME]
