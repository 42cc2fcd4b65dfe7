"""A database as bytes: a consistent copy of it while others write, and a check of one before it is used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rein.errors import StoreError
from rein.protocol.signed import verify
from rein.store.schema import STEPS

_MODE = 18
"""Where a database says that it keeps a write-ahead log (SQLite file format, 1.3). A copy in memory has none, and
SQLite would not open it; `open_database` asks for one again."""


@dataclass(frozen=True)
class Contents:
    """What a copy holds. `identities`: (network, master address, delegate address, key file)."""

    identities: tuple[tuple[str, str, str, str], ...]
    documents: int


def take_copy(path: Path) -> bytes:
    """A copy of the database as it is at one moment. Nothing is written to any disk.

    :raises StoreError: it cannot be read.
    """
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            database.backup(copy)
            data = copy.serialize()
    except sqlite3.Error as error:
        raise StoreError(f"the database {path} cannot be copied: {error}") from error
    return data[:_MODE] + b"\1\1" + data[_MODE + 2 :]


def check_copy(data: bytes) -> Contents:
    """Check a copy: that SQLite finds it whole, that it is a database of Rein, and that every document in it verifies.

    :raises StoreError: it is not.
    :raises DocumentError: a document does not verify.
    """
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data)
            return _check(database)
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise StoreError(f"the copy of the database is damaged: {error}") from error


def _check(database: sqlite3.Connection) -> Contents:
    if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        raise StoreError("the copy of the database is damaged")
    (step,) = database.execute("PRAGMA user_version").fetchone()
    if not 0 < step <= len(STEPS):
        raise StoreError(f"the copy of the database is of another Rein (step {step})", hint="Upgrade Rein.")
    if step == len(STEPS) and _tables(database) != _tables_of_today():
        raise StoreError("the copy of the database lacks a table, or has one too many")
    documents = 0
    for id_, armored in database.execute("SELECT id, armored FROM document"):
        if verify(armored).id != id_:
            raise StoreError(f"the copy of the database holds a document under a wrong id: {id_}")
        documents += 1
    rows = database.execute("SELECT network, master_address, delegate_address, key_file FROM identity ORDER BY id")
    return Contents(tuple(rows), documents)


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _tables_of_today() -> set[str]:
    with closing(sqlite3.connect(":memory:")) as database:
        for step in STEPS:
            for statement in step:
                database.execute(statement)
        return _tables(database)
