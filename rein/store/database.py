"""Opening the database: where it is, who may read it, and bringing an older one up to date."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event
from sqlalchemy.pool import NullPool

from rein.errors import StoreError
from rein.store.schema import STEPS

_MAGIC = b"SQLite format 3\0"
_BUSY_MILLISECONDS = 10_000
"""How long one `rein` waits for another one that is writing to the same home."""

READ_ONLY = {"rein_read_only": True}
"""Execution options of a connection that only reads: it waits for nobody."""


def open_database(path: Path) -> Engine:
    """Open, and create or upgrade where needed. The file is readable by its owner only.

    :raises StoreError: it cannot be opened, is no database, or was written by a newer Rein.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beginning = _create_private(path)
    except OSError as error:
        raise StoreError(f"the database {path} cannot be opened: {error.strerror}") from error
    if beginning not in (b"", _MAGIC):  # SQLite writes over a short file, whatever it holds
        raise StoreError(f"{path} is no database")
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _as_store_error)
    _upgrade(engine, path)
    return engine


def _create_private(path: Path) -> bytes:
    """Make the file if there is none, for its owner alone, and return how it begins."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        path.chmod(0o600)  # one that was copied here may be open to others
        return os.read(descriptor, len(_MAGIC))
    finally:
        os.close(descriptor)


def _as_store_error(context: ExceptionContext) -> None:
    """Whatever SQLite says (no database, locked, disk full) reaches the caller as one error of ours."""
    error = context.original_exception
    if isinstance(error, sqlite3.Error):
        where = context.engine.url.database if context.engine is not None else "the database"
        hint = "Another rein is writing to it: try again." if "locked" in str(error) else None
        raise StoreError(f"{where} cannot be used: {error}", hint=hint) from error


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; `_begin` sends it
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Any) -> None:
    """Writers take the write lock at once, so that two processes queue instead of failing half-way."""
    reads = connection.get_execution_options().get("rein_read_only", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _upgrade(engine: Engine, path: Path) -> None:
    with engine.connect() as connection, connection.begin():
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > len(STEPS):
            raise StoreError(f"{path} was written by a newer Rein (step {version})", hint="Upgrade Rein.")
        if version == len(STEPS):
            return
        if version == 0 and connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
            raise StoreError(f"{path} is the database of another program")
        for step in STEPS[version:]:
            for statement in step:
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version = {len(STEPS)}")
