"""Counting, copying and cleaning a whole database."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, text

import causeway.app  # noqa: F401  # it knows every table
from causeway.db.base import Base
from causeway.db.engine import Database, make_patient_engine, parse_url
from causeway.db.migrate import upgrade
from causeway.errors import DatabaseError, FileError, FilterError
from causeway.kv.models import kv
from causeway.maintenance.export import export_to
from causeway.maintenance.lines import DERIVED, LEFT_OUT, row_tables
from causeway.maintenance.removal import find, parse_filters, remove
from causeway.maintenance.restore import ImportResult, restore_from
from causeway.maintenance.stats import read_stats
from causeway.search.models import document
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person, Story, enroll, respelled

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def filled(server: Server, caller: Caller, bob: Person, mallory: Person, deal: Story) -> Server:
    """A server with a whole job, opaque values, two copies of one document, a deletion and something paid."""
    caller.register(bob, buckets=2)
    for number, signed in enumerate((enroll(bob), deal.job, *deal.documents)):
        assert caller.put(bob, f"doc-{number}", signed).status == 201
    assert caller.put(bob, "gone", enroll(mallory)).status == 201
    assert caller.put(bob, "gone", "over").status == 201
    assert caller.put(mallory, "copy", respelled(deal.job.armored)).status == 201
    assert caller.put(mallory, "text", 'Zoë said "€\u2028\U0001f4a3"\r\n\\').status == 201
    assert caller.get("/get", key="text").status == 200
    server.rows("INSERT INTO tombstone (document_id, seq, owner) VALUES ('ab', nextval('document_seq'), 'x')")
    return server


@pytest.fixture
def other(empty_database: URL) -> URL:
    """A database with tables and nothing in them."""
    upgrade(empty_database)
    return empty_database


def url_of(server: Server) -> URL:
    return parse_url(server.settings.database_url or "")


def restore(url: URL, path: Path) -> ImportResult:
    database = Database(url, connections=1)
    try:
        return restore_from(database, path)
    finally:
        database.close()


def run(url: URL, sql: str) -> list[tuple[object, ...]]:
    with make_patient_engine(url).begin() as connection:
        result = connection.execute(text(sql))
        return [tuple(row) for row in result] if result.returns_rows else []


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_an_export_restores_everything_exactly(filled: Server, other: URL, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    exported = export_to(url_of(filled), first)
    assert (exported.documents, exported.values) == (6, 9)
    assert first.stat().st_mode & 0o777 == 0o600
    restored = restore(other, first)
    assert restored.refused == []
    assert restored.counts["documents added"] == 6
    export_to(other, second)
    assert second.read_bytes() == first.read_bytes()
    for table in ("enrollment", "delegation", "bucket", "document"):
        columns = ", ".join(column.name for column in Base.metadata.tables[table].c)
        sql = f"SELECT {columns} FROM {table} ORDER BY 1"
        assert run(other, sql) == filled.rows(sql), table


def test_an_import_may_be_interrupted_and_run_again(filled: Server, other: URL, tmp_path: Path) -> None:
    whole, half, again = tmp_path / "whole", tmp_path / "half", tmp_path / "again"
    export_to(url_of(filled), whole)
    lines = whole.read_text(encoding="utf-8").split("\n")
    half.write_text("\n".join(lines[: len(lines) * 2 // 3]) + "\n", encoding="utf-8")
    with pytest.raises(FileError, match="some of it is missing"):
        restore(other, half)
    assert restore(other, whole).refused == []
    export_to(other, again)
    assert again.read_bytes() == whole.read_bytes()
    third = restore(other, whole)
    assert not [what for what in third.counts if what.endswith(("added", "ones"))]
    assert third.counts["documents there already"] == 6
    export_to(other, again)
    assert again.read_bytes() == whole.read_bytes()


def test_nothing_newer_is_overwritten_and_nothing_deleted_comes_back(
    filled: Server, caller: Caller, bob: Person, deal: Story, tmp_path: Path
) -> None:
    path = tmp_path / "old"
    export_to(url_of(filled), path)
    assert caller.put(bob, "gone", "newer").status == 201
    with_bid = find_in(filled, f"document={deal.bid.id}")
    assert remove(Database(filled.engine.url, connections=1), with_bid, "a test") == 1
    restored = restore(url_of(filled), path)
    assert restored.counts["documents deleted here"] == 1
    assert restored.counts["values deleted here"] == 1
    assert caller.stored("gone") == "newer"
    assert caller.query(bob, "bids") == []


def test_into_another_server_it_adds_what_is_missing(filled: Server, other: URL, tmp_path: Path) -> None:
    """Buckets whose numbers are taken get others, and payments are left as they are."""
    path = tmp_path / "export"
    export_to(url_of(filled), path)
    numbers = [row[0] for row in filled.rows("SELECT id FROM bucket ORDER BY id")]
    run(other, "INSERT INTO owner (address) VALUES ('1Other')")
    for number in numbers:
        run(
            other,
            f"""INSERT INTO bucket (id, owner, expires, bytes_total, transfer_total)
            OVERRIDING SYSTEM VALUE VALUES ({number}, '1Other', now(), 100, 100)""",
        )
    run(other, f"SELECT setval(pg_get_serial_sequence('bucket', 'id'), {max(map(int, map(str, numbers)))})")
    assert restore(other, path).refused == []
    assert run(other, "SELECT count(*), sum(size) FROM kv") == filled.rows("SELECT count(*), sum(size) FROM kv")
    held = "SELECT owner, sum(bytes_used) FROM bucket WHERE owner <> '1Other' GROUP BY owner ORDER BY owner"
    assert run(other, held) == filled.rows(held)
    assert run(other, "SELECT 1 FROM kv JOIN bucket ON bucket.id = bucket_id WHERE kv.owner <> bucket.owner") == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("Description: It must", "Description: You must"), "document"),
        (('"size"', '"size"'), ""),
    ],
)
def test_a_document_that_does_not_verify_is_refused(
    filled: Server, other: URL, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    path = tmp_path / "export"
    export_to(url_of(filled), path)
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    restored = restore(other, path)
    assert bool(restored.refused) is bool(says)
    assert all(says in line for line in restored.refused)
    job = "SELECT count(*) FROM document WHERE kind = 'job'"
    assert run(other, job) == [(0 if says else 1,)]
    wrong = (
        "SELECT 1 FROM bucket WHERE bytes_used <> coalesce((SELECT sum(size) FROM kv WHERE bucket_id = bucket.id), 0)"
    )
    assert run(other, wrong) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}\n",
        b"[]\n",
        b"nonsense\n",
        b"\xff\n",
        b'{"line":"causeway","format":2,"network":"regtest"}\n',
        b'{"line":"causeway","format":1,"network":"regtest"}\n',
        b'{"line":"causeway","format":1,"network":"regtest"}\n[1]\n',
    ],
)
def test_what_is_no_export_is_named(other: URL, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(FileError, match="file"):
        restore(other, path)


def test_hostile_lines_are_refused_one_by_one(other: URL, tmp_path: Path) -> None:
    hostile: list[object] = [
        {"line": "row", "table": "installation", "row": {}},
        {"line": "row", "table": "pg_authid", "row": {"rolname": "x"}},
        {"line": "row", "table": "owner", "row": []},
        {"line": "row", "table": "owner", "row": {"address": 1}},
        {"line": "document", "id": 1, "seq": "x"},
        {"line": "document", "id": "a\x00b", "seq": 1, "stored": "2026-01-01T00:00:00+00:00", "armored": "x"},
        {"line": "value", "key": "k", "owner": "nobody", "bucket_id": 1, "document_id": None, "testnet": 0,
         "stored": "2026-01-01T00:00:00+00:00", "value": "v"},
        {"line": "sequence", "name": "document_seq; DROP TABLE kv", "last": 1},
        {"line": "sequence", "name": "public.x; DROP TABLE kv", "last": 1},
        {"line": "sequence", "name": "document_seq", "last": 2**70},
        {"line": "unknown"},
        {},
    ]  # fmt: skip
    path = tmp_path / "file"
    first, last = {"line": "causeway", "format": 1, "network": "regtest"}, {"line": "end"}
    path.write_text("".join(json.dumps(line) + "\n" for line in [first, *hostile, last]))
    restored = restore(other, path)
    assert restored.counts == {"refused": len(hostile)}
    assert len(restored.refused) == len(hostile)


def test_an_export_of_another_network_is_refused(filled: Server, mainnet_server: Server, tmp_path: Path) -> None:
    export_to(url_of(filled), tmp_path / "export")
    with pytest.raises(DatabaseError, match="holds documents of mainnet"):
        restore(url_of(mainnet_server), tmp_path / "export")


def test_an_export_that_fails_leaves_no_file(filled: Server, tmp_path: Path) -> None:
    with pytest.raises(FileError):
        export_to(url_of(filled), tmp_path / "no" / "such")
    with pytest.raises(Exception, match="connection"):
        export_to(parse_url("postgresql://nobody@127.0.0.1:1/none"), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_every_table_is_exported_or_left_out_for_a_reason() -> None:
    known = {*row_tables(), *LEFT_OUT, *DERIVED, document, kv}
    assert set(Base.metadata.tables.values()) == known


# ----- deleting ------------------------------------------------------------------------------------------------------


def find_in(server: Server, *filters: str) -> list:  # type: ignore[type-arg]
    with server.engine.connect() as connection:
        return find(connection, parse_filters(filters, datetime.now(UTC)))


def test_filters_find_what_they_say(filled: Server, bob: Person, mallory: Person, deal: Story) -> None:
    def keys(*filters: str) -> list[str]:
        return sorted(each.key for each in find_in(filled, *filters))

    assert keys(f"owner={mallory.master_address}") == ["copy", "text"]
    assert keys("key=doc-*") == [f"doc-{n}" for n in range(6)]
    assert keys("key=doc-1") == ["doc-1"]
    assert keys("key=%*") == keys("key=doc_*") == []
    assert keys("kind=job") == ["copy", "doc-1"]
    assert keys("kind=job", f"owner={bob.master_address}") == ["doc-1"]
    assert keys("kind=opaque") == ["gone", "text"]
    assert keys(f"document={deal.job.id}") == ["copy", "doc-1"]
    assert keys("older-than=1d") == []
    assert len(keys(f"older-than={(datetime.now(UTC) + timedelta(days=1)).date()}")) == 9


@pytest.mark.parametrize(
    "filters",
    [(), ("",), ("owner",), ("owner=",), ("colour=red",), ("kind=poem",), ("older-than=soon",), ("older-than=1m",)],
)
def test_a_filter_that_is_none_is_named(filters: tuple[str, ...]) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filters(filters, NOW)
    assert caught.value.hint


def test_deleting_keeps_quotas_and_index_right(
    filled: Server, caller: Caller, bob: Person, deal: Story, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "causeway"):
        logging.getLogger("causeway").addHandler(caplog.handler)
        try:
            assert (
                remove(
                    Database(filled.engine.url, connections=1),
                    find_in(filled, f"owner={bob.master_address}"),
                    "by letter",
                )
                == 7
            )
        finally:
            logging.getLogger("causeway").removeHandler(caplog.handler)
    assert "by letter" in caplog.text
    assert filled.value("SELECT sum(bytes_used) FROM bucket WHERE owner = :owner", owner=bob.master_address) == 0
    # Mallory's copy of the job keeps it in the index; what Bob's enrollment said is forgotten.
    assert filled.rows("SELECT kind FROM document") == [("job",)]
    assert filled.value("SELECT count(*) FROM delegation") == 0
    assert filled.value("SELECT count(*) FROM tombstone") == 6
    assert caller.query(bob, "jobs") == [deal.job.armored]


def test_what_there_is_is_counted(filled: Server) -> None:
    with filled.engine.connect() as connection:
        stats = read_stats(connection)
    assert (stats.owners, stats.buckets, stats.buckets_live, stats.values, stats.values_opaque) == (2, 4, 4, 9, 2)
    found = {kind: count for kind, count in stats.documents.items() if count}
    assert found == {"enrollment": 1, "job": 1, "bid": 1, "offer": 1, "delivery": 1, "accept": 1}
    assert stats.bytes_used == filled.value("SELECT sum(size) FROM kv")
    assert stats.bytes_bought == 4 * 1_048_576
    assert stats.transfer_used > 0
    assert stats.nonces_remembered == 10
    assert stats.database_bytes > 1_000_000
    assert (stats.orders_open, stats.orders_late, stats.orders_paid, stats.credited_sat, stats.income_sat) == (0,) * 5
