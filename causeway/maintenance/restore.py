"""Importing an export: an empty server then holds exactly what was there; to another, what is missing is added.

Every document is verified again and indexed as if it had just come. Nothing newer is overwritten, and nothing that was
deleted here comes back. It may be interrupted and run again: what is there already is passed over.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError

from causeway.auth import service as auth
from causeway.db.engine import Database
from causeway.db.installation import open_installation
from causeway.errors import FileError
from causeway.hosting.models import bucket
from causeway.kv.copies import without_copy
from causeway.kv.incoming import IncomingDocument, read_incoming
from causeway.kv.models import kv
from causeway.maintenance.lines import FORMAT, MAX_LINE, sequences
from causeway.maintenance.restore_rows import MAX_SHOWN, Fields, ImportResult, add_rows, pass_sequence
from causeway.replication.models import replica
from causeway.search import index
from causeway.search.models import document, document_seq, tombstone
from rein.btc.networks import MAINNET, Network, network_named
from rein.errors import ReinError

LINES_AT_A_TIME = 200
"""Lines in one transaction: what is lost of an interrupted import."""


def restore_from(database: Database, path: Path, progress: Callable[[int], None] = lambda _: None) -> ImportResult:
    """Import a file.

    :param progress: told the number of lines read, now and then.
    :raises FileError: it cannot be read, is not an export, or is truncated.
    :raises DatabaseError: it is of another network than the database.
    """
    restored = ImportResult()
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

    def __init__(self, network: Network, restored: ImportResult) -> None:
        self._network = network
        self._restored = restored
        self._buckets: dict[int, int] = {}

    def apply(
        self, connection: Connection, *, rows: bool, batch: list[tuple[int, Fields]]
    ) -> tuple[ImportResult, dict[int, int]]:
        outcome, buckets = ImportResult(), dict(self._buckets) if rows else self._buckets
        if rows:
            add_rows(connection, batch, outcome, buckets)
        else:
            for number, fields in batch:
                self._add(connection, number, fields, outcome)
        return outcome, buckets

    def done(self, applied: tuple[ImportResult, dict[int, int]]) -> None:
        outcome, self._buckets = applied
        self._restored.counts += outcome.counts
        self._restored.refused += outcome.refused[: MAX_SHOWN - len(self._restored.refused)]

    # ----- documents and values ----------------------------------------------------------------------------------

    def _add(self, connection: Connection, number: int, fields: Fields, outcome: ImportResult) -> None:
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
        incoming = self._verified(_text(fields, "armored"), document_id)
        pass_sequence(connection, document_seq.name, int(fields["seq"]) - 1)
        index.add(connection, incoming)
        auth.remember_delegation(connection, incoming.signed)
        connection.execute(update(document).where(document.c.id == document_id).values(stored=stored))
        _add_replica(connection, document_id, fields)
        return Counter({"documents added": 1})

    def _verified(self, text_: str, document_id: str) -> IncomingDocument:
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
        self._verified(_text(fields, "value"), document_id)
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


def _add_sequence(connection: Connection, fields: Fields) -> Counter[str]:
    if fields["name"] not in sequences(connection):
        raise ValueError("unknown sequence")
    pass_sequence(connection, fields["name"], int(fields["last"]))
    return Counter()


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
