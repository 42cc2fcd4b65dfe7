"""The format of an export: one JSON object a line, each with what it is in `line`.

    {"line": "causeway", "format": 1, "network": "mainnet"}                       first
    {"line": "row", "table": "owner", "row": {...}}                               accounts, buckets, payments, ...
    {"line": "document", "seq": 1, "id": "...", "stored": "...", "armored": "...", "peer": null}
    {"line": "value", "key": "...", "owner": "...", ..., "document_id": "...", "value": null}
    {"line": "sequence", "name": "document_seq", "last": 17}
    {"line": "end", "documents": 1, "values": 1}                                  last: nothing is missing

Order: rows by table and primary key, documents by number, values by key. A value that is the very text of its document
is null; the peer of a document is the one that a copy is kept for, if one is. Nothing in it depends on when or where it
was written, so two exports of the same contents are the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column, Connection, Date, DateTime, LargeBinary, Table, text

import causeway.app  # noqa: F401  # it knows every table
from causeway.accounts.models import owner
from causeway.auth.models import delegation, nonce_use
from causeway.db.base import Base
from causeway.db.installation import installation
from causeway.hosting.models import bucket, subnet_day
from causeway.kv.models import kv
from causeway.payments.models import deposit, ledger, purchase, receipt, watched_block
from causeway.replication.models import replica
from causeway.search.models import document, enrollment

FORMAT = 1

MERGED = (owner, bucket)
"""Tables whose rows are added to those that are there."""

MONEY = (deposit, purchase, receipt, ledger, watched_block)
"""Tables whose rows are worth something together only. They are restored into a server that has taken no money, or
not at all: what two servers took cannot be told apart, so some of it would count twice or for another owner."""

LEFT_OUT = (installation, nonce_use, subnet_day)
"""The server's secret, and what is over within a day: a restored server makes its own."""

DERIVED = (delegation, enrollment, replica)
"""They follow from the lines of the documents."""

RECOUNTED = {"bucket": frozenset({"bytes_used"})}
"""Columns that follow from the values."""

MAX_LINE = 1_000_000
"""Characters of a line: a document and its JSON escapes fit several times."""


def row_tables() -> list[Table]:
    """The tables that are written row by row; those that others point to come first."""
    other = (document, kv, *LEFT_OUT, *DERIVED)
    return [table for table in Base.metadata.sorted_tables if table not in other]


def sequences(connection: Connection) -> list[str]:
    """The sequences that belong to no column, in the order of their names."""
    return list(connection.scalars(_FREE_SEQUENCES))


_FREE_SEQUENCES = text("""
    SELECT relname FROM pg_class
    WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i'))
    ORDER BY relname COLLATE "C"
""")


def row_columns(table: Table) -> list[Column[Any]]:
    """The columns of a table that are written."""
    return [column for column in table.c if column.name not in RECOUNTED.get(table.name, ())]


def write_line(line: str, **fields: object) -> str:
    """A line, with its line feed."""
    return json.dumps({"line": line, **fields}, ensure_ascii=False, separators=(",", ":")) + "\n"


def to_json(value: object) -> object:
    """A column's value as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value


def from_json(column: Column[Any], value: Any) -> object:
    """What `to_json` was given.

    :raises ValueError: it is not of the column's type.
    """
    if value is None:
        return None
    if isinstance(column.type, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    if isinstance(column.type, LargeBinary):
        return bytes.fromhex(value)
    return value


def read_row(table: Table, fields: Mapping[str, Any]) -> dict[str, object]:
    """The values of a row's columns.

    :raises ValueError: a column is not there or is not of its type.
    """
    try:
        return {column.name: from_json(column, fields[column.name]) for column in row_columns(table)}
    except (KeyError, TypeError) as error:
        raise ValueError(f"a row of {table.name} is not whole") from error
