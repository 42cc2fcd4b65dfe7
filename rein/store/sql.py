"""Statements built from names of ours and placeholders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

_MAX_NAMED = 10_000
"""Values named in one statement. SQLite takes 32,766, and servers decide how many documents there are."""


def insert(table: str, values: Iterable[str], key: str | None = None) -> str:
    """The statement that inserts named values, or replaces those of the row with the same key."""
    names = list(values)
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES (:{', :'.join(names)})"  # noqa: S608 - names of ours
    if key is None:
        return statement
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key.split(", "))
    return f"{statement} ON CONFLICT ({key}) DO UPDATE SET {changes}"


def marks(values: Sequence[str]) -> str:
    """A placeholder for each value."""
    return ", ".join("?" * len(values))


def in_parts(values: Collection[str]) -> Iterator[Sequence[str]]:
    """The distinct values, as many at a time as one statement may name."""
    named = list(dict.fromkeys(values))
    return (named[start : start + _MAX_NAMED] for start in range(0, len(named), _MAX_NAMED))
