"""What a shell may complete, read from the database without opening the home: nothing is created, upgraded or waited
for, and nothing heavy is loaded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_MOST = 50


def identity_names(path: Path, network: str, beginning: str) -> list[str]:
    """The names that begin so, in the order they were made; none from a database that cannot be read."""
    return _first_column(
        path,
        "SELECT name FROM identity WHERE network = ? AND substr(name, 1, ?) = ? ORDER BY id LIMIT ?",
        network,
        beginning,
    )


def job_ids(path: Path, network: str, beginning: str) -> list[str]:
    """The ids of jobs that begin so, the newest first, and no more than anybody would read."""
    return _first_column(
        path,
        """SELECT job_id FROM document WHERE network = ? AND kind = 'job' AND substr(job_id, 1, ?) = ?
           ORDER BY rowid DESC LIMIT ?""",
        network,
        beginning,
    )


def _first_column(path: Path, query: str, network: str, beginning: str) -> list[str]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
            return [row[0] for row in connection.execute(query, (network, len(beginning), beginning, _MOST))]
    except (sqlite3.Error, OSError, ValueError):
        return []
