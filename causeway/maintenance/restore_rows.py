"""Restoring the rows of tables: accounts, buckets, payments, deletions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError

from causeway.db.leadership import Duty
from causeway.errors import FileError
from causeway.hosting.models import bucket
from causeway.maintenance.lines import MERGED, MONEY, read_row, row_columns, row_tables
from causeway.payments.figures import unbalanced_transactions
from causeway.payments.models import watched_block

MAX_SHOWN = 20


@dataclass
class ImportResult:
    """What became of the lines: `counts` by "documents added" and the like, and the first of those refused by name."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    def refuse(self, what: str, why: str) -> None:
        self.counts["refused"] += 1
        if len(self.refused) < MAX_SHOWN:
            self.refused.append(f"{what}: {why}")


Fields = Mapping[str, Any]


def add_rows(
    connection: Connection, batch: list[tuple[int, Fields]], outcome: ImportResult, buckets: dict[int, int]
) -> None:
    """Add rows of tables. `buckets` has the numbers here of the buckets in the file, and gets new ones.

    :raises FileError: payments cannot be restored here, or do not sum to zero.
    """
    tables = {table.name: table for table in row_tables()}
    used = {table.name for table in tables.values() if table not in MERGED and _is_used(connection, table)}
    money = {table.name for table in MONEY}
    if used & money - {watched_block.name}:
        used |= money
    elif any(fields.get("table") in money for _, fields in batch):
        _keep_watchers_out(connection)
        used -= money
    for number, fields in batch:
        table = tables.get(str(fields.get("table")))
        row = fields.get("row")
        if table is None or not isinstance(row, dict):
            outcome.refuse(f"line {number}", "it is of a table that this version does not have")
            continue
        try:
            values = read_row(table, row)
        except ValueError as error:
            outcome.refuse(f"line {number}", str(error))
            continue
        if table is bucket:
            _add_bucket(connection, values, outcome, buckets)
        elif table.name in used:
            outcome.counts[f"{table.name} kept as it is"] += 1
        else:
            if values.get("bucket_id") in buckets:
                values["bucket_id"] = buckets[int(str(values["bucket_id"]))]
            _insert(connection, table, values, f"line {number}", outcome)
    if unbalanced_transactions(connection):
        raise FileError("the ledger in it does not sum to zero: nothing was imported")
    for table in tables.values():
        _pass_identity(connection, table)


def _insert(
    connection: Connection, table: Table, values: Mapping[str, object], what: str, outcome: ImportResult
) -> None:
    try:
        with connection.begin_nested():
            _count(outcome, table.name, _insert_row(connection, table, values))
    except (IntegrityError, DataError):
        outcome.refuse(what, "the database does not take it")


def _is_used(connection: Connection, table: Table) -> bool:
    return bool(connection.scalar(select(select(table).exists())))


def _keep_watchers_out(connection: Connection) -> None:
    """Until the transaction ends no watcher runs, and the next one begins where the file says: what the
    restored addresses were paid since may be in blocks that were read here without knowing them.

    :raises FileError: a watcher is running.
    """
    if not connection.scalar(select(func.pg_try_advisory_xact_lock(int(Duty.WATCH)))):
        raise FileError(
            "it has payments, and a watcher of this database is running",
            hint="Stop `causeway serve` and `causeway watch`, and import again.",
        )
    connection.execute(delete(watched_block))


def _count(outcome: ImportResult, table: str, added: bool) -> None:
    outcome.counts[f"{table} {'added' if added else 'there already'}"] += 1


def _insert_row(connection: Connection, table: Table, values: Mapping[str, object]) -> bool:
    names = [column.name for column in row_columns(table)]
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join(f":{name}" for name in names)
    # Names are those of our own tables. OVERRIDING: ids are generated always, except here.
    statement = text(
        f'INSERT INTO "{table.name}" ({columns}) OVERRIDING SYSTEM VALUE VALUES ({places}) ON CONFLICT DO NOTHING'  # noqa: S608
    )
    return connection.execute(statement, dict(values)).rowcount == 1


def _add_bucket(
    connection: Connection, values: Mapping[str, object], outcome: ImportResult, buckets: dict[int, int]
) -> None:
    """Under its own number, if that is free; a bucket of the same owner and moment is the same bucket."""
    number = int(str(values["id"]))
    same = select(bucket.c.id).where(bucket.c.owner == values["owner"], bucket.c.created == values["created"])
    found = connection.scalar(same.where(bucket.c.id.not_in(buckets.values())).order_by(bucket.c.id != number).limit(1))
    if found is not None:
        buckets[number] = found
        outcome.counts["bucket there already"] += 1
        return
    if _insert_row(connection, bucket, values):
        buckets[number] = number
    else:
        others = {name: value for name, value in values.items() if name != "id"}
        buckets[number] = connection.execute(insert(bucket).values(others).returning(bucket.c.id)).scalar_one()
    outcome.counts["bucket added"] += 1


def _pass_identity(connection: Connection, table: Table) -> None:
    """New rows get numbers that no restored one has."""
    for column in table.c:
        if column.identity is not None:
            highest = connection.scalar(select(func.max(column)))
            if highest is not None:
                sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
                pass_sequence(connection, str(sequence), int(highest))


def pass_sequence(connection: Connection, name: str, last: int) -> None:
    """Let a sequence of ours go on after a number; never backwards: numbers above may be taken or on their way."""
    now, is_called = connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
    if last >= 1 and (last > now or (last == now and not is_called)):
        connection.execute(
            text("SELECT setval(CAST(:name AS regclass), CAST(:last AS bigint))"), {"name": name, "last": last}
        )
