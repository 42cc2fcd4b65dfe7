"""Opening the database: where it is, who may read it, and bringing an older one up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from rein.errors import StoreError
from rein.store.schema import STEPS

_BUSY_MILLISECONDS = 10_000
"""How long one `rein` waits for another one that is writing to the same home."""


def open_database(path: Path) -> Engine:
    """Open, and create or upgrade where needed. The file is readable by its owner only.

    :raises StoreError: it cannot be opened, is no database, or was written by a newer Rein.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"the database {path} cannot be opened: {error.strerror}") from error
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        _upgrade(engine, path)
    except DatabaseError as error:
        raise StoreError(f"{path} is no database of Rein: {error.orig}") from error
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; `_begin` sends it
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Any) -> None:
    """Take the write lock at once, so that two processes queue instead of failing half-way."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(engine: Engine, path: Path) -> None:
    with engine.connect() as connection, connection.begin():
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > len(STEPS):
            raise StoreError(f"{path} was written by a newer Rein (step {version})", hint="Upgrade Rein.")
        if version == len(STEPS):
            return
        for step in STEPS[version:]:
            for statement in step:
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version = {len(STEPS)}")
