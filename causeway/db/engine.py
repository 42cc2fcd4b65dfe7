"""Connections to PostgreSQL, and how a transaction is run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Transaction, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from causeway.errors import ApiError, BusyError, DatabaseDownError, DatabaseError

T = TypeVar("T")

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 3_000
IDLE_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 5
POOL_RECYCLE_S = 1_800

ATTEMPTS = 6
"""How often a transaction is tried before the client is told that the server is busy."""

_RETRIABLE = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "23503",  # foreign_key_violation: a row this transaction pointed to was removed between two of its statements
    "23514",  # check_violation: a quota that was counted from a value which has been replaced since
}
_BUSY = {
    "55P03",  # lock_not_available: lock_timeout
    "57014",  # query_canceled: statement_timeout
    "53300",  # too_many_connections
}


class LostRaceError(Exception):
    """What a transaction had read is no longer so. The whole of it is tried again."""


def parse_url(text: str) -> URL:
    """The URL of a PostgreSQL database, for psycopg2.

    :raises DatabaseError: it is not a URL, or not of PostgreSQL. Never repeats the password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError("the database URL is not a URL", hint=_URL_HINT) from error
    if url.drivername not in ("postgres", "postgresql", "postgresql+psycopg2"):
        raise DatabaseError(f"the database URL begins with {url.drivername[:30]!r}", hint=_URL_HINT)
    return url.set(drivername="postgresql+psycopg2")


_URL_HINT = "It looks like postgresql://user:password@host/name."


def make_engine(url: URL, *, connections: int, autocommit: bool = False) -> Engine:
    """An engine with at most that many pooled connections. Connects only when first used.

    `synchronous_commit=on` whatever the database's own default says: a client is told of success only when its
    document would survive a crash of the machine. A reader (`autocommit`) writes nothing but the transfer that it
    charges, and does not wait for the disk: if the machine crashes, transfer of the last moments may come free.
    Parameters never appear in error messages: they hold what people have stored.
    """
    limits = {
        "synchronous_commit": "off" if autocommit else "on",
        # A plan is kept: one made while a table was nearly empty must still be good when it is not.
        "enable_seqscan": "off",
        "plan_cache_mode": "force_generic_plan",
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT_MS,
    }
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT" if autocommit else "READ COMMITTED",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_recycle=POOL_RECYCLE_S,
        hide_parameters=True,
        use_native_hstore=False,
        connect_args=_connect_args(url, limits),
    )


def make_patient_engine(url: URL) -> Engine:
    """An engine for migrations: one connection at a time, and no time limits."""
    return create_engine(
        url, poolclass=NullPool, hide_parameters=True, use_native_hstore=False, connect_args=_connect_args(url, {})
    )


def _connect_args(url: URL, limits: dict[str, Any]) -> dict[str, Any]:
    options = [f"-c {name}={value}" for name, value in {"timezone": "UTC", **limits}.items()]
    own = url.query.get("options", "")
    return {
        "application_name": "causeway",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": " ".join([*([own] if isinstance(own, str) and own else []), *options]),
    }


class Database:
    """How the features use PostgreSQL. One per process, shared by its threads."""

    def __init__(self, url: URL, *, connections: int) -> None:
        """:param connections: for each of reading and writing; as many as there are threads, so that none waits."""
        self._writer = make_engine(url, connections=connections)
        self._reader = make_engine(url, connections=connections, autocommit=True)

    @property
    def writer(self) -> Engine:
        """The engine that writes, to be measured."""
        return self._writer

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """As `read`, for work that cannot be begun again: nothing is retried."""
        try:
            with self._reader.connect() as connection:
                yield connection
        except PoolTimeoutError as error:
            raise BusyError("the server is busy", hint=_LATER) from error
        except DBAPIError as error:
            raise _translate(error) or error from error

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a connection on which each statement is a transaction of its own. As `write`, otherwise."""

        def attempt() -> T:
            with self._reader.connect() as connection:
                return work(connection)

        return self._persist(attempt)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and commit it; all of it again if it lost a race, a bounded number of times.

        `work` must have no effect outside of the database.

        :raises ApiError: BusyError or DatabaseDownError; whatever `work` raises, after a rollback.
        """

        def attempt() -> T:
            with self._writer.connect() as connection, connection.begin() as transaction:
                result = work(connection)
                _commit(transaction)
                return result

        return self._persist(attempt)

    def close(self) -> None:
        """Close idle connections."""
        self._writer.dispose()
        self._reader.dispose()

    @staticmethod
    def _persist(attempt: Callable[[], T]) -> T:
        for number in range(1, ATTEMPTS + 1):
            try:
                return attempt()
            except LostRaceError:
                pass
            except PoolTimeoutError as error:
                raise BusyError("the server is busy", hint=_LATER) from error
            except DBAPIError as error:
                if not _is_retriable(error):
                    raise _translate(error) or error from error
                if error.connection_invalidated and number == ATTEMPTS:
                    raise _down() from error
            if number < ATTEMPTS:
                time.sleep(random.uniform(0, 0.004 * 2**number))  # noqa: S311  # spreads retries, hides nothing
        raise BusyError("too many requests want the same thing at once", hint=_LATER)


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        # It is unknown whether it was committed, so it must not be tried again.
        hint = "Read the key back to see whether it is there."
        raise DatabaseDownError("the database was lost while it stored this", hint=hint) from error


_LATER = "Try again in a moment."


def _is_retriable(error: DBAPIError) -> bool:
    # A connection lost before the commit has changed nothing; the pool will open a new one.
    return error.connection_invalidated or _sqlstate(error) in _RETRIABLE


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "pgcode", None)


def _translate(error: DBAPIError) -> ApiError | None:
    """The named error for what PostgreSQL could not do in time or at all; None if it is a fault of ours."""
    state = _sqlstate(error)
    if state in _BUSY:
        return BusyError("the database is busy", hint=_LATER)
    # Without a state, no server has answered; 08 is connection_exception, 57 operator_intervention (a shutdown).
    unanswered = state is None and isinstance(error, OperationalError | InterfaceError)
    return _down() if unanswered or (state or "")[:2] in ("08", "57") else None


def _down() -> DatabaseDownError:
    return DatabaseDownError("the database cannot be reached", hint=_LATER)
