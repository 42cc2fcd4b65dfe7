"""Checking a database without changing it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rein.errors import StoreError
from rein.store.schema import STEPS

_MOST_PROBLEMS = 5


@dataclass(frozen=True)
class Health:
    """`step` of `known` upgrade steps were taken; `problems` is what SQLite finds wrong, in its words."""

    step: int
    known: int
    problems: tuple[str, ...]


def examine(path: Path) -> Health:
    """Check every page, index and reference of the file.

    :raises StoreError: it cannot be read, or is not a database.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            (step,) = connection.execute("PRAGMA user_version").fetchone()
            found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
            astray = connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST_PROBLEMS)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    problems = [text for text in found if text != "ok"]
    problems += [f"a row of {row[0]} belongs to nothing" for row in astray]
    return Health(int(step), len(STEPS), tuple(problems))
