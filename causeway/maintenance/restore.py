"""Reading an export back: an empty server then holds exactly what was there; to another, what is missing is added.

Every document is verified again and indexed as if it had just come. Nothing newer is overwritten, and nothing that was
deleted here comes back. It may be interrupted and run again: what is there already is passed over.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError

from causeway.auth import service as auth
from causeway.db.engine import Database
from causeway.db.installation import open_installation
from causeway.db.leadership import Duty
from causeway.errors import FileError
from causeway.hosting.models import bucket
from causeway.kv.copies import without_copy
from causeway.kv.incoming import IncomingDocument, read_incoming
from causeway.kv.models import kv
from causeway.maintenance.lines import FORMAT, MAX_LINE, MERGED, MONEY, read_row, row_columns, row_tables, sequences
from causeway.payments.figures import unbalanced_transactions
from causeway.payments.models import watched_block
from causeway.replication.models import replica
from causeway.search import index
from causeway.search.models import document, document_seq, tombstone
from rein.btc.networks import MAINNET, Network, network_named
from rein.errors import ReinError

LINES_AT_A_TIME = 200
"""Lines in one transaction: what is lost of an interrupted import."""

_MAX_SHOWN = 20


@dataclass
class Restored:
    """What became of the lines: `counts` by "documents added" and the like, and the first of those refused by name."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    def refuse(self, what: str, why: str) -> None:
        self.counts["refused"] += 1
        if len(self.refused) < _MAX_SHOWN:
            self.refused.append(f"{what}: {why}")


Fields = Mapping[str, Any]


def restore_from(database: Database, path: Path, progress: Callable[[int], None] = lambda _: None) -> Restored:
    """Import a file.

    :param progress: told the number of lines read, now and then.
    :raises FileError: it cannot be read, is not an export, or is truncated.
    :raises DatabaseError: it is of another network than the database.
    """
    restored = Restored()
    with _open(path) as file:
        lines = _read(file, path)
        number, first = next(lines, (0, {}))
        if first.get("line") != "causeway" or first.get("format") != FORMAT:
            raise FileError(f"{path} is not an export that this version of causeway reads")
        network = network_named(str(first.get("network")))
        database.write(lambda connection: open_installation(connection, network))
        restore = _Restore(network, restored)
        last: Fields = first
        for rows, batch in _batches(lines):
            restore.done(database.write(partial(restore.apply, rows=rows, batch=batch)))
            number, last = batch[-1]
            progress(number)
        if last.get("line") != "end":
            raise FileError(f"{path} ends at line {number}: some of it is missing", hint="What is there was imported.")
    return restored


class _Restore:
    """One import. A batch is applied whole or not at all, and may be applied again after a lost race: what became of
    it counts when it is `done`. `_buckets` has the numbers here of the buckets in the file."""

    def __init__(self, network: Network, restored: Restored) -> None:
        self._network = network
        self._restored = restored
        self._buckets: dict[int, int] = {}

    def apply(
        self, connection: Connection, *, rows: bool, batch: list[tuple[int, Fields]]
    ) -> tuple[Restored, dict[int, int]]:
        outcome, buckets = Restored(), dict(self._buckets) if rows else self._buckets
        if rows:
            self._add_rows(connection, batch, outcome, buckets)
        else:
            for number, fields in batch:
                self._add(connection, number, fields, outcome)
        return outcome, buckets

    def done(self, applied: tuple[Restored, dict[int, int]]) -> None:
        outcome, self._buckets = applied
        self._restored.counts += outcome.counts
        self._restored.refused += outcome.refused[: _MAX_SHOWN - len(self._restored.refused)]

    # ----- rows --------------------------------------------------------------------------------------------------

    def _add_rows(
        self, connection: Connection, batch: list[tuple[int, Fields]], outcome: Restored, buckets: dict[int, int]
    ) -> None:
        tables = {table.name: table for table in row_tables()}
        used = {table.name for table in tables.values() if table not in MERGED and _is_used(connection, table)}
        money = {table.name for table in MONEY}
        if used & money - {watched_block.name}:
            used |= money
        elif any(fields.get("table") in money for _, fields in batch):
            _take_the_watchers_place(connection)
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
                self._insert(connection, table, values, f"line {number}", outcome)
        if unbalanced_transactions(connection):
            raise FileError("the ledger in it does not sum to zero: nothing was imported")
        for table in tables.values():
            _pass_identity(connection, table)

    @staticmethod
    def _insert(
        connection: Connection, table: Table, values: Mapping[str, object], what: str, outcome: Restored
    ) -> None:
        try:
            with connection.begin_nested():
                _count(outcome, table.name, _insert_row(connection, table, values))
        except (IntegrityError, DataError):
            outcome.refuse(what, "the database does not take it")

    # ----- documents and values ----------------------------------------------------------------------------------

    def _add(self, connection: Connection, number: int, fields: Fields, outcome: Restored) -> None:
        kind = str(fields.get("line"))
        what = f"line {number}, {kind[:20]} {str(fields.get('id') or fields.get('key') or '')[:128]}".rstrip()
        try:
            # What is refused half-way must leave nothing behind.
            with connection.begin_nested():
                outcome.counts += self._steps[kind](connection, fields)
        except ReinError as error:
            outcome.refuse(what, error.message)
        except (IntegrityError, DataError):
            outcome.refuse(what, "the database does not take it")
        except (KeyError, TypeError, ValueError) as error:
            outcome.refuse(what, f"it cannot be used: {error}")

    @cached_property
    def _steps(self) -> Mapping[str, Callable[[Connection, Fields], Counter[str]]]:
        return {
            "document": self._add_document,
            "value": self._add_value,
            "sequence": _add_sequence,
            "end": lambda *_: Counter(),
        }

    def _add_document(self, connection: Connection, fields: Fields) -> Counter[str]:
        document_id = _text(fields, "id")
        if connection.scalar(select(document.c.seq).where(document.c.id == document_id)) is not None:
            _add_replica(connection, document_id, fields)
            return Counter({"documents there already": 1})
        stored = datetime.fromisoformat(fields["stored"])
        removed = connection.scalar(select(tombstone.c.removed).where(tombstone.c.document_id == document_id))
        if removed is not None and removed >= stored:
            return Counter({"documents deleted here": 1})
        incoming = self._arrival(_text(fields, "armored"), document_id)
        _pass_sequence(connection, document_seq.name, int(fields["seq"]) - 1)
        index.add(connection, incoming)
        auth.remember_delegation(connection, incoming.signed)
        connection.execute(update(document).where(document.c.id == document_id).values(stored=stored))
        _add_replica(connection, document_id, fields)
        return Counter({"documents added": 1})

    def _arrival(self, text_: str, document_id: str) -> IncomingDocument:
        # On a test network legacy documents are test documents, whatever they say: they were accepted as such.
        incoming = read_incoming(text_, self._network, testnet=self._network is not MAINNET)
        if incoming is None or incoming.signed.id != document_id:
            raise ValueError("the text is not the document that it is said to be")
        return incoming

    def _add_value(self, connection: Connection, fields: Fields) -> Counter[str]:
        key, owner = _text(fields, "key"), _text(fields, "owner")
        document_id = None if fields["document_id"] is None else _text(fields, "document_id")
        stored = datetime.fromisoformat(fields["stored"])
        old = connection.execute(select(kv).where(kv.c.key == key).with_for_update()).first()
        if old is not None and old.owner != owner:
            raise ValueError("the key is somebody else's here")
        if old is not None and old.stored >= stored:
            return Counter({"values there already": 1})
        value = self._value(connection, fields, document_id)
        if value is None:
            return Counter({"values deleted here": 1})
        size = len(key.encode()) + len(value.encode())
        number = int(fields["bucket_id"])
        bucket_id = self._buckets.get(number, number)
        _charge(connection, owner, bucket_id, size, old)
        row = {
            "owner": owner,
            "value": value,
            "size": size,
            "bucket_id": bucket_id,
            "document_id": document_id,
            "testnet": bool(fields["testnet"]),
            "stored": stored,
        }
        connection.execute(insert(kv).values(key=key, **row).on_conflict_do_update(index_elements=[kv.c.key], set_=row))
        if old is not None and old.document_id not in (None, document_id):
            _release(connection, old.document_id)
        return Counter({"values added" if old is None else "values replaced by newer ones": 1})

    def _value(self, connection: Connection, fields: Fields, document_id: str | None) -> str | None:
        """The text of a value; None if its document is not here, because it was deleted here."""
        if document_id is None:
            return _text(fields, "value")
        armored = connection.scalar(select(document.c.armored).where(document.c.id == document_id))
        if armored is None:
            return None
        if fields["value"] is None:
            return str(armored)
        self._arrival(_text(fields, "value"), document_id)
        return _text(fields, "value")


# ----- the file ------------------------------------------------------------------------------------------------------


def _open(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8", newline="\n")
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error


def _read(file: Any, path: Path) -> Iterator[tuple[int, Fields]]:
    number = 0
    try:
        while line := file.readline(MAX_LINE):
            number += 1
            fields = json.loads(line)
            yield number, dict(fields)
    except (TypeError, ValueError) as error:
        raise FileError(f"{path}, line {number}: it is not a line of an export") from error


def _text(fields: Fields, name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not text")
    return value


def _batches(lines: Iterator[tuple[int, Fields]]) -> Iterator[tuple[bool, list[tuple[int, Fields]]]]:
    """All rows at once, because payments are complete or worth nothing; the rest in small transactions."""
    batch: list[tuple[int, Fields]] = []
    in_rows = True
    for number, fields in lines:
        is_row = fields.get("line") == "row"
        if batch and (is_row != in_rows or (not is_row and len(batch) == LINES_AT_A_TIME)):
            yield in_rows, batch
            batch = []
        in_rows = is_row
        batch.append((number, fields))
    if batch:
        yield in_rows, batch


# ----- rows ----------------------------------------------------------------------------------------------------------


def _is_used(connection: Connection, table: Table) -> bool:
    return bool(connection.scalar(select(select(table).exists())))


def _take_the_watchers_place(connection: Connection) -> None:
    """Until the transaction ends nobody watches, and whoever does afterwards begins where the file says: what the
    restored addresses were paid since may be in blocks that were read here without knowing them.

    :raises FileError: somebody watches now.
    """
    if not connection.scalar(select(func.pg_try_advisory_xact_lock(int(Duty.WATCH)))):
        raise FileError(
            "there are payments in it, and somebody is watching the chain for this database",
            hint="Stop `causeway serve` and `causeway watch`, and import again.",
        )
    connection.execute(delete(watched_block))


def _count(outcome: Restored, table: str, added: bool) -> None:
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
    connection: Connection, values: Mapping[str, object], outcome: Restored, buckets: dict[int, int]
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
                _pass_sequence(connection, str(sequence), int(highest))


def _add_sequence(connection: Connection, fields: Fields) -> Counter[str]:
    if fields["name"] not in sequences(connection):
        raise ValueError("unknown sequence")
    _pass_sequence(connection, fields["name"], int(fields["last"]))
    return Counter()


def _pass_sequence(connection: Connection, name: str, last: int) -> None:
    """Let a sequence of ours go on after a number; never backwards: numbers above may be taken or on their way."""
    now, is_called = connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
    if last >= 1 and (last > now or (last == now and not is_called)):
        connection.execute(
            text("SELECT setval(CAST(:name AS regclass), CAST(:last AS bigint))"), {"name": name, "last": last}
        )


# ----- values --------------------------------------------------------------------------------------------------------


def _charge(connection: Connection, owner: str, bucket_id: int, size: int, old: Any) -> None:
    owned = connection.execute(
        select(bucket.c.id).where(bucket.c.id == bucket_id, bucket.c.owner == owner).with_for_update(key_share=True)
    ).first()
    if owned is None:
        raise ValueError("its owner has no such bucket")
    if old is not None:
        connection.execute(
            update(bucket).where(bucket.c.id == old.bucket_id).values(bytes_used=bucket.c.bytes_used - old.size)
        )
    charged = (
        update(bucket)
        .where(bucket.c.id == bucket_id, bucket.c.bytes_used + size <= bucket.c.bytes_total)
        .values(bytes_used=bucket.c.bytes_used + size)
    )
    if connection.execute(charged).rowcount != 1:
        raise ValueError("its bucket has no room for it")


def _release(connection: Connection, document_id: str) -> None:
    for gone in without_copy(connection, [document_id]):
        index.remove(connection, gone)
        auth.forget_delegation(connection, gone)


# ----- documents kept for peers --------------------------------------------------------------------------------------


def _add_replica(connection: Connection, document_id: str, fields: Fields) -> None:
    if fields.get("peer") is None:
        return
    columns = select(document.c.id, literal(_text(fields, "peer")), document.c.signer, document.c.size)
    row = columns.where(document.c.id == document_id)
    names = ["document_id", "peer", "signer", "size"]
    connection.execute(insert(replica).from_select(names, row).on_conflict_do_nothing())
