"""Exporting a whole database to a file (`causeway.maintenance.lines` has its format)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Row, Table, case, null, select, text

from causeway.db.engine import make_patient_engine
from causeway.db.installation import installation
from causeway.errors import DatabaseError, FileError
from causeway.kv.models import kv
from causeway.maintenance.lines import FORMAT, row_columns, row_tables, sequences, to_json, write_line
from causeway.replication.models import replica
from causeway.search.models import document

_ROWS_AT_A_TIME = 500


@dataclass(frozen=True)
class ExportResult:
    """What was written."""

    documents: int
    values: int


def export_to(url: URL, path: Path) -> ExportResult:
    """Write the file whole or not at all, readable by its owner only. The server may go on meanwhile: what is written
    is what was there at one moment.

    :raises FileError: the file cannot be written.
    :raises DatabaseError: the database has never been used.
    """
    unfinished = path.with_name(f".{secrets.token_hex(16)}.unfinished")  # no other process can have put a file there
    count = {"document": 0, "value": 0}
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file, make_patient_engine(url).connect() as connection:
            for kind, line in _lines(connection):
                file.write(line)
                if kind in count:
                    count[kind] += 1
            file.write(write_line("end", documents=count["document"], values=count["value"]))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return ExportResult(count["document"], count["value"])


def _lines(connection: Connection) -> Iterator[tuple[str, str]]:
    connection = connection.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True, yield_per=_ROWS_AT_A_TIME
    )
    network = connection.scalar(select(installation.c.network))
    if network is None:
        raise DatabaseError("the database holds nothing yet: no server has run on it")
    yield "causeway", write_line("causeway", format=FORMAT, network=network)
    for table in row_tables():
        yield from _rows(connection, table)
    yield from _documents(connection)
    yield from _values(connection)
    for name in sequences(connection):
        # The names are our own, and a sequence cannot be a parameter.
        last, is_called = connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
        yield "sequence", write_line("sequence", name=name, last=last if is_called else 0)


def _rows(connection: Connection, table: Table) -> Iterator[tuple[str, str]]:
    columns = row_columns(table)
    for row in connection.execute(select(*columns).order_by(*table.primary_key.columns)):
        fields = {column.name: to_json(value) for column, value in zip(columns, row, strict=True)}
        # The row's own columns are under a key of their own: one of them may be called "line" one day.
        yield "row", write_line("row", table=table.name, row=fields)


def _documents(connection: Connection) -> Iterator[tuple[str, str]]:
    statement = select(document.c.seq, document.c.id, document.c.stored, document.c.armored, replica.c.peer)
    statement = statement.outerjoin(replica, replica.c.document_id == document.c.id)
    rows: Iterable[Row[Any]] = connection.execute(statement.order_by(document.c.seq))
    for row in rows:
        yield "document", write_line("document", **_shown(row))


def _values(connection: Connection) -> Iterator[tuple[str, str]]:
    value = case((kv.c.value == document.c.armored, null()), else_=kv.c.value).label("value")
    statement = select(kv.c.key, kv.c.owner, kv.c.bucket_id, kv.c.document_id, kv.c.testnet, kv.c.stored, value)
    joined = statement.outerjoin(document, document.c.id == kv.c.document_id)
    rows: Iterable[Row[Any]] = connection.execute(joined.order_by(kv.c.key))
    for row in rows:
        yield "value", write_line("value", **_shown(row))


def _shown(row: Row[Any]) -> dict[str, object]:
    return {name: to_json(value) for name, value in row._mapping.items()}
