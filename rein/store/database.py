"""Opening the database: where it is, who may read it, and bringing an older one up to date.

The driver is Python's own `sqlite3`: an ORM takes longer to load than most commands take to run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from rein.errors import StoreError
from rein.store.schema import STEPS
from rein.store.sql import in_parts, marks

_MAGIC = b"SQLite format 3\0"
_READ = "BEGIN"
_BUSY_MILLISECONDS = 10_000
"""How long one `rein` waits for another one that is writing to the same home."""


class Database:
    """One SQLite file. Every transaction has a connection of its own, so threads share nothing and nothing is left
    open."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open, and upgrade where needed. The file is readable by its owner only.

        :param create: make the file if there is none. Otherwise it reads as empty until something is written: whoever
            mistypes the path of a home leaves nothing there.
        :raises StoreError: it cannot be opened, is not a database, or was written by a newer Rein.
        """
        self.path = path
        self._snapshot: sqlite3.Connection | None = None
        self._exclusive: sqlite3.Connection | None = None
        self._is_open = False
        if create or path.exists():
            self._open()

    def _open(self) -> None:
        self._is_open, path = True, self.path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beginning = _create_private(path)
        except OSError as error:
            raise StoreError(f"the database {path} cannot be opened: {error.strerror}") from error
        if beginning not in (b"", _MAGIC):  # SQLite writes over a short file, whatever it holds
            raise StoreError(f"{path} is not a database")
        with self.reading() as connection:
            version = _version(connection)
        if version != len(STEPS):
            self._upgrade()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the database, whoever writes at the time. It waits for nobody."""
        if self._snapshot is not None:
            yield self._snapshot
            return
        with self._transaction(_READ) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read until it ends is of one state of the database."""
        with self._transaction(_READ) as connection:
            self._snapshot = connection
            try:
                yield
            finally:
                self._snapshot = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: done whole, or not at all. It takes the write lock at once, so that two processes queue
        instead of failing half-way."""
        if self._exclusive is not None:
            yield self._exclusive
            return
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else writes until it ends, so that what was read in it still holds when something is written in it.
        All that is written in it is one transaction."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            self._snapshot = self._exclusive = connection
            try:
                yield
            finally:
                self._snapshot = self._exclusive = None

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds."""
        with self.reading() as connection:
            return connection.execute(query, values).fetchall()

    def rows_in(self, query: str, values: Collection[str]) -> list[sqlite3.Row]:
        """What a query finds that has `{}` in place of the values it names."""
        return [row for some in in_parts(values) for row in self.rows(query.format(marks(some)), *some)]

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        """Whatever SQLite says (no database, locked, disk full) reaches the caller as one error of ours."""
        if not self._is_open and (begin != _READ or self.path.exists()):
            self._open()
        try:
            connection = self._connect() if self._is_open else _empty()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            finally:
                connection.close()  # which takes back what was not committed
        except sqlite3.Error as error:
            hint = "Another rein is writing to it: try again." if "locked" in str(error) else None
            raise StoreError(f"{self.path} cannot be used: {error}", hint=hint) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)  # the driver's own BEGIN comes too late
        try:
            connection.row_factory = sqlite3.Row
            for setting in (
                f"busy_timeout = {_BUSY_MILLISECONDS}",
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
            ):
                connection.execute(f"PRAGMA {setting}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _upgrade(self) -> None:
        with self.writing() as connection:
            version = _version(connection)
            if version > len(STEPS):
                raise StoreError(f"{self.path} was written by a newer Rein (step {version})", hint="Upgrade Rein.")
            if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise StoreError(f"{self.path} is the database of another program")
            for step in STEPS[version:]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(STEPS)}")


def _empty() -> sqlite3.Connection:
    """A database in memory, without anything in it."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    for step in STEPS:
        for statement in step:
            connection.execute(statement)
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _create_private(path: Path) -> bytes:
    """Make the file if there is none, for its owner alone, and return how it begins."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        path.chmod(0o600)  # one that was copied here may be open to others
        return os.read(descriptor, len(_MAGIC))
    finally:
        os.close(descriptor)
