"""A database written by each earlier step, filled, and brought up to date: what a person wrote or was given is kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rein.protocol.description import describe
from rein.protocol.documents import Kind
from rein.protocol.signed import Signed
from rein.store.health import examine
from rein.store.schema import STEPS
from rein.store.store import Store
from tests.support.people import story

TOLD = story()
EVERYTHING = (*TOLD.enrollments, TOLD.job, *TOLD.documents)
URL = "http://causeway.example:2016/"
KEPT = (
    *("identity", "document", "server", "placement", "watch_event", "watch_delivery", "hidden"),
    *("sealed_bid", "hosting_order", "request", "wallet_address", "wallet_payment"),
)
"""The other tables hold what is asked again: of the chain, of servers."""


def old_store(path: Path, taken: int) -> None:
    """A database as a Rein of that step left it, with a row in every table."""
    path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in (statement for step in STEPS[:taken] for statement in step):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {taken}")
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in rows_of(table):
                _insert(connection, table, row)


def rows_of(table: str) -> list[dict[str, Any]]:
    """What a Rein writes into a table; columns that are not named here get anything of their type."""
    author = TOLD.job.document.author
    if table == "identity":
        names = {"master_address": author.master_address, "delegate_address": author.signing_address}
        return [{"id": 1, "network": "regtest", "name": "Bob", "contact": "b@x", "key_file": "keys/b.json", **names}]
    if table == "document":
        return [_document(signed) for signed in EVERYTHING]
    if table == "server":
        return [{"identity_id": 1, "url": URL, "buckets": 2, "bytes_free": 1_234}]
    if table == "placement":
        return [{"document_id": TOLD.job.id, "url": URL, "remote_key": "KEY", "proved": 1}]
    if table == "sealed_bid":
        return [{"document_id": TOLD.bid.id, "address": author.master_address, "published": 0}]
    if table in (
        "request",
        "watch_event",
        "watch_delivery",
        "hosting_order",
        "wallet_address",
        "wallet_coin",
        "wallet_payment",
    ):
        return [{"identity_id": 1}]
    return [] if table in ("generation", "learned") else [{}]  # which every step that has them fills itself


def _document(signed: Signed[Any]) -> dict[str, Any]:
    about = describe(signed)
    return {
        "id": about.id,
        "network": about.network,
        "kind": about.kind.value,
        "author": about.author,
        "job_id": about.job_id,
        "order_id": about.order_id,
        "mediator": about.mediator.address if about.kind is Kind.JOB else None,
        "escrow": signed.document.primary_address if about.kind is Kind.BID else None,
        "armored": signed.armored,
        "own": int(signed.id == TOLD.job.id),
        "received_from": None if signed.id == TOLD.job.id else URL,
    }


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    values = {
        name: row.get(name, None if not needed and not key else 7 if kind == "INTEGER" else "ab" * 32)
        for _, name, kind, needed, _, key in columns
    }
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


@pytest.mark.parametrize("taken", range(1, len(STEPS) + 1))
def test_what_was_written_is_kept(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "home" / "rein.db"
    old_store(path, taken)
    store = Store(path)
    (bob,) = store.identities.of_network("regtest")
    assert (bob.name, bob.master_address) == ("Bob", TOLD.job.document.author.master_address)
    assert set(store.documents.of_kinds("regtest", *Kind)) == set(EVERYTHING)
    assert store.documents.own_ids("regtest", bob.master_address) == [TOLD.job.id]
    assert [(server.url, server.buckets) for server in store.servers.of_identity(bob.id)] == [(URL, 2)]
    assert store.servers.placements(URL)[TOLD.job.id].remote_key == "KEY"
    assert set(store.orders.documents([TOLD.job.id])) == {TOLD.job, *TOLD.documents}
    assert store.orders.of_person("regtest", TOLD.job.document.mediator_master_address) == [TOLD.job.id]
    health = examine(path)
    assert (health.step, health.problems) == (len(STEPS), ())


def test_no_row_is_lost_or_doubled(tmp_path: Path) -> None:
    for taken in range(1, len(STEPS) + 1):
        path = tmp_path / str(taken) / "rein.db"
        old_store(path, taken)
        before = _counts(path)
        Store(path)
        after = _counts(path)
        assert {table: after[table] for table in KEPT if table in before} == {
            table: before[table] for table in KEPT if table in before
        }


def _counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names}


_DIE = """
    import os, signal, sys
    from pathlib import Path
    from rein.store.database import Database

    path, at = Path(sys.argv[1]), int(sys.argv[2])
    connect, done = Database._connect, []

    def traced(self):
        connection = connect(self)

        def heard(text):
            done.append(text)
            if len(done) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        connection.set_trace_callback(heard)
        return connection

    Database._connect = traced
    Database(path)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("taken", range(len(STEPS)))
def test_an_upgrade_that_is_killed_leaves_the_old_or_the_new(tmp_path: Path, taken: int) -> None:
    """At moments spread over the whole of it, from a database that is being made (0) on."""
    old = tmp_path / "old" / "rein.db"
    if taken:
        old_store(old, taken)
    else:
        old.parent.mkdir()
        old.touch()
    script, killed = textwrap.dedent(_DIE), 0
    for at in (*range(3, 200, 9), 1_000_000):
        path = tmp_path / str(at) / "rein.db"
        shutil.copytree(old.parent, path.parent)
        ended = subprocess.run([sys.executable, "-c", script, path, str(at)], timeout=60, check=False).returncode
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            assert version in (taken, len(STEPS))
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if version == taken:
            assert _schema(path) == _schema(old), "nothing of a step without the whole of it"
        assert set(Store(path).documents.of_kinds("regtest", *Kind)) == (set(EVERYTHING) if taken else set())
        assert examine(path).problems == ()
        if ended == 0:
            break
        killed += 1
    assert ended == 0
    assert killed > 0


def _schema(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
