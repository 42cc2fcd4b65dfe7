"""The numbers of documents on this server, and up to which they are settled.

A reader who follows the documents by `seq` must never be shown number 11 while number 10 can still appear. A sequence
alone allows that: 10 may be drawn first and committed last. Committing in the order of the numbers, one at a time,
would cure it, and make every write wait for the disk of the one before. So writers commit as they like, and readers
know how far the order is settled:

    writer   before it draws a number it takes a *shared* advisory lock, until its transaction ends, on the last number
             drawn so far: "whatever I draw is above this". Shared locks never wait.
    reader   1. reads the last number drawn, 2. reads the lowest number that is locked, 3. the smaller one is the
             horizon: every number up to it was drawn by a transaction that has ended, so in a snapshot taken *now*
             its document is there or will never be.

Why that holds: a writer whose number is not above the last number of step 1 had its lock before step 1. If step 2 does
not see that lock, the writer has ended; if it does, the horizon is below whatever that writer drew.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Select, case, cast, column, func, literal, select, table
from sqlalchemy.sql.expression import ColumnElement

from causeway.search.models import document_seq

_LOCK_SPACE = 1 << 60
_LOCK_SPACE_HIGH = 1 << 20
"""Advisory locks of this kind are at `_LOCK_SPACE` + number, in that many times 2^32 numbers; nothing else of the
server uses that range."""

_sequence = table("document_seq", column("last_value", BigInteger), column("is_called", Boolean))
_last_drawn: ColumnElement[int] = case((_sequence.c.is_called, _sequence.c.last_value), else_=0)


def place_for_next() -> Select[Any]:
    """One row, and the writer's lock taken: select the new document's columns from it, `next_number()` among them."""
    locked = select(func.pg_advisory_xact_lock_shared(literal(_LOCK_SPACE, BigInteger) + _last_drawn).label("locked"))
    return locked.select_from(_sequence)


def next_number() -> ColumnElement[int]:
    """Draw a number. Only in a statement that selects from `place_for_next`."""
    return document_seq.next_value()


def settled(connection: Connection) -> int:
    """The horizon. Take the snapshot in which documents are read after this: on a connection whose statements are
    transactions of their own, or at read committed."""
    last_drawn = connection.scalar(select(_last_drawn)) or 0
    locked = connection.scalar(select(func.min(_locked_number())).select_from(_locks).where(*_is_writers_lock()))
    return last_drawn if locked is None else min(last_drawn, locked)


# A 64-bit advisory lock is shown in pg_locks as two halves, with objsubid 1.
_locks = table(
    "pg_locks", column("locktype"), column("database"), column("classid"), column("objid"), column("objsubid")
)


def _half(name: str) -> ColumnElement[int]:
    return cast(_locks.c[name], BigInteger)


def _locked_number() -> ColumnElement[int]:
    return (_half("classid") - (_LOCK_SPACE >> 32)) * literal(1 << 32, BigInteger) + _half("objid")


def _is_writers_lock() -> tuple[ColumnElement[bool], ...]:
    databases = table("pg_database", column("oid"), column("datname"))
    here = select(databases.c.oid).where(databases.c.datname == func.current_database()).scalar_subquery()
    return (
        _locks.c.locktype == "advisory",
        _locks.c.objsubid == 1,
        _locks.c.database == here,
        _half("classid").between(_LOCK_SPACE >> 32, (_LOCK_SPACE >> 32) + _LOCK_SPACE_HIGH),
    )
