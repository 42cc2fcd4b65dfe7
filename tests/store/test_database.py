"""The file: whose it is, what it may be, and what survives other processes, crashes and upgrades."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.errors import StoreError
from rein.protocol.documents import Kind
from rein.protocol.values import DocumentId
from rein.store import database
from rein.store.database import Database
from rein.store.schema import STEPS
from rein.store.store import Store
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.store.tables.servers import Placement, ServerRow
from tests.support.people import job, person, story

TABLES = [
    *("allowance", "completed", "document", "escrow_output", "feed", "fetched", "funding", "generation", "hidden"),
    *("hosting_order", "identity", "learned", "payment", "placement", "request", "sealed_bid", "seen_block", "server"),
    *("shown", "summary", "wallet_address", "wallet_coin", "wallet_payment", "watch_delivery", "watch_event"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "rein.db"


def payment(contract: DocumentId, amount: int, confirmations: int) -> Payment:
    return Payment(
        *(contract, "primary", "11" * 32, Sat(amount), Sat(0), Sat(9), None, confirmations, "acceptance", contract)
    )


@pytest.fixture
def execute(path: Path) -> Iterator[Callable[..., list[Any]]]:
    """Runs SQL on the file, as another program would."""

    def run(statement: str, *parameters: object) -> list[Any]:
        with closing(sqlite3.connect(path)) as connection, connection:
            return connection.execute(statement, parameters).fetchall()

    return run


def described(path: Path) -> dict[str, Any]:
    """Everything SQLite knows of the tables that the code relies on, however they came to be."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {
            table: {
                what: sorted(connection.execute(f"PRAGMA {what}({table})").fetchall(), key=str)
                for what in ("table_info", "index_list", "foreign_key_list")
            }
            for table in sorted(tables)
        }
        triggers = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
        return {**found, "": connection.execute(triggers).fetchall()}


@pytest.mark.parametrize("taken", range(len(STEPS)))
def test_every_older_version_is_brought_up_to_date(path: Path, execute: Callable[..., list[Any]], taken: int) -> None:
    path.parent.mkdir()
    for step in STEPS[:taken]:
        for statement in step:
            execute(statement)
    execute(f"PRAGMA user_version = {taken}")
    Database(path)
    Database(path.with_name("new.db"))
    assert sorted(described(path)) == ["", *TABLES]
    assert described(path) == described(path.with_name("new.db"))
    assert execute("PRAGMA user_version") == [(len(STEPS),)]


OUTPUT = ("primary", "cd" * 32, 1, 5_000_000, 3)


@pytest.mark.parametrize("taken", range(1, len(STEPS)))
def test_what_an_older_version_held_is_kept(path: Path, execute: Callable[..., list[Any]], taken: int) -> None:
    """Of the chain: what funded an escrow whose offer is the only one."""
    told = story()
    path.parent.mkdir()
    for step in STEPS[:taken]:
        for statement in step:
            execute(statement)
    execute(f"PRAGMA user_version = {taken}")
    bob = person("Bob")
    execute(
        "INSERT INTO identity VALUES (1, 'regtest', 'Bob', 'x', ?, ?, 'k')", bob.master_address, bob.delegate_address
    )
    execute("INSERT INTO server (identity_id, url, buckets, bytes_free) VALUES (1, 'http://x/', 2, 7)")
    for signed in (told.job, *told.documents):
        name = DocumentId(signed.id), signed.document.KIND.value
        execute(
            """INSERT INTO document (id, network, kind, author, job_id, order_id, armored, own)
               VALUES (?, 'regtest', ?, 'a', ?, ?, ?, 1)""",
            *(*name, told.job.document.job_id, told.job.id, signed.armored),
        )
    execute("INSERT INTO placement VALUES (?, 'http://x/', 'K', 1)", told.job.id)
    if taken == 1:
        execute("INSERT INTO escrow_output VALUES (?, ?, ?, ?, ?, ?)", told.job.id, *OUTPUT)
        execute("INSERT INTO escrow_output VALUES (?, ?, ?, ?, ?, ?)", "ab" * 32, *OUTPUT)  # of no offer that is here
        execute("INSERT INTO payment VALUES (?, 'primary', 't', 1, 1)", told.job.id)
    else:
        execute("INSERT INTO escrow_output VALUES (?, ?, ?, ?, ?, NULL, ?, 0)", told.offer.id, *OUTPUT)
        execute(
            "INSERT INTO payment VALUES (?, 'primary', ?, 5, 0, 9, NULL, 1, 'acceptance', ?)",
            *(told.offer.id, "11" * 32, told.offer.id),
        )
    store = Store(path)
    assert [each.name for each in store.identities.of_network("regtest")] == ["Bob"]
    assert store.servers.of_identity(1) == [ServerRow("http://x/", 2, 7)]
    assert store.orders.documents([told.job.id]) == [told.job, *told.documents]
    assert store.servers.placements("http://x/") == {told.job.id: Placement(told.job.id, "http://x/", "K", proved=True)}
    purse, txid, vout, amount, confirmations = OUTPUT
    output = EscrowOutput(told.offer.id, purse, OutPoint(txid, vout), Sat(amount), None, confirmations)
    assert store.escrows.outputs(told.offer.id) == [output]
    assert store.escrows.outputs(DocumentId("ab" * 32)) == []
    assert store.escrows.payments(told.offer.id) == ({} if taken == 1 else {"primary": payment(told.offer.id, 5, 1)})


def test_a_store_of_this_version_opens_again_with_all_it_held(path: Path) -> None:
    posted = job(person("Bob"), person("Alice"))
    Store(path).documents.add_own(posted)
    before = described(path)
    again = Store(path)
    assert again.documents.of_kinds("regtest", Kind.JOB) == [posted]
    assert described(path) == before


def test_a_newer_version_is_left_alone(path: Path, execute: Callable[..., list[Any]]) -> None:
    Store(path)
    execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    with pytest.raises(StoreError, match=rf"written by a newer Rein \(step {len(STEPS) + 1}\)") as caught:
        Store(path)
    assert caught.value.hint == "Upgrade Rein."
    assert execute("PRAGMA user_version") == [(len(STEPS) + 1,)]


@pytest.mark.parametrize(
    "raw",
    [
        b"x",
        b"These are my notes, and no database at all.\n",
        b"junk" * 5_000,
        b"SQLite format 3\x00",
        b"SQLite format 3\x00" + b"\xff" * 4_080,
        b"SQLite format 3\x00" + os.urandom(8_176),
        b"\x00" * 4_096,
    ],
    ids=["a-byte", "notes", "junk", "magic-alone", "magic-and-ff", "magic-and-noise", "zeros"],
)
def test_junk_is_refused_and_left_as_it_is(path: Path, raw: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(raw)
    with pytest.raises(StoreError):
        Store(path)
    assert path.read_bytes() == raw


def test_a_damaged_store_is_an_error_of_ours_wherever_it_shows(path: Path) -> None:
    store = Store(path)
    for number in range(40):
        store.documents.add_own(job(person("Bob"), person("Alice"), job_id=f"{number:020}"))
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xa5" * len(raw[4096:])
    path.write_bytes(raw)
    with pytest.raises(StoreError):
        Store(path).documents.of_kinds("regtest", *Kind)


def test_the_database_of_another_program_is_left_alone(path: Path, execute: Callable[..., list[Any]]) -> None:
    path.parent.mkdir()
    execute("CREATE TABLE moz_places (id INTEGER)")
    with pytest.raises(StoreError, match="another program"):
        Store(path)
    assert execute("SELECT name FROM sqlite_master") == [("moz_places",)]


def test_places_where_no_database_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for where in (tmp_path, tmp_path / "file" / "rein.db", tmp_path / ("x" * 300)):
        with pytest.raises(StoreError, match="cannot be opened"):
            Store(where)


@pytest.mark.parametrize("name", ["a?b", "mode=ro", "50%", "%2e%2e", "a#b", "it's", "ünï", "a b", "a;b", ":memory:"])
def test_any_home_will_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / f"{name}.db"
    Store(path).documents.add_own(job(person("Bob"), person("Alice")))
    assert path.stat().st_size > 0
    assert len(Store(path).documents.of_kinds("regtest", Kind.JOB)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_all_files_are_for_their_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(path)
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM document").fetchall()
            store.documents.add_own(job(person("Bob"), person("Alice")))
            found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert found == {"rein.db": 0o600, "rein.db-wal": 0o600, "rein.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_was_open_to_others_is_closed_to_them(path: Path) -> None:
    Store(path)
    path.chmod(0o666)
    Store(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# Several processes.


def _write_jobs(path: Path, name: str, count: int) -> None:
    store = Store(path)
    for number in range(count):
        store.documents.add_own(job(person(name), person("Alice"), job_id=f"{name.lower()}{number:0{20 - len(name)}}"))


def test_two_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    """They begin with the very creation of the file."""
    names, count = ("Bob", "Charlie", "Mallory"), 15
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_write_jobs, args=(path, name, count)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    store = Store(path)
    assert len(store.documents.of_kinds("regtest", Kind.JOB)) == len(names) * count
    for name in names:
        assert len(store.documents.own_ids("regtest", person(name).master_address)) == count


def test_whoever_waits_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_MILLISECONDS", 50)
    store = Store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreError, match="locked") as caught:
            store.documents.add_own(job(person("Bob"), person("Alice")))
        assert caught.value.hint == "Another rein is writing to it: try again."
        assert Store(path).identities.of_network("regtest") == [], "who only reads waits for nobody"
        assert time.monotonic() - began < 15
    store.documents.add_own(job(person("Bob"), person("Alice")))


_DIE = """
    import os, signal, sys
    from pathlib import Path
    from rein.btc.amounts import Sat
    from rein.protocol.values import DocumentId
    from rein.store.tables.escrows import Payment
    from rein.store.store import Store

    order = DocumentId("ab" * 32)

    def payment(purse, txid, amount, confirmations):
        return Payment(
            order, purse, txid * 32, Sat(amount), Sat(0), Sat(9), None, confirmations, "acceptance", order
        )

    def write_and_die(path, statement):
        store = Store(path)
        store.escrows.observe(order, [], [payment("primary", "11", 1, 1)])
        done = []

        def die(text):
            if not text.startswith("PRAGMA"):
                done.append(text)
            if len(done) == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        connect = store._database._connect

        def traced():
            connection = connect()
            connection.set_trace_callback(die)
            return connection

        store._database._connect = traced
        store.escrows.observe(order, [], [payment(purse, "22", 2, 2) for purse in ("primary", "mediator")])

    for statement in range(1, 8):
        child = os.fork()
        if child == 0:
            write_and_die(Path(sys.argv[1], str(statement)), statement)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_in_the_middle_of_a_transaction_the_state_before_stays(tmp_path: Path) -> None:
    """Before BEGIN, both looks, the delete, each insert, and the commit. What a trigger does is traced, too."""
    order = DocumentId("ab" * 32)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_DIE), tmp_path], check=True, timeout=30, stdout=subprocess.PIPE
    )
    assert done.stdout.split() == [b"-9"] * 7
    for statement in range(1, 8):
        path = tmp_path / str(statement)
        store = Store(path)
        assert store.escrows.payments(order) == {"primary": payment(order, 1, 1)}
        store.documents.add_own(job(person("Bob"), person("Alice")))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_while_it_writes_and_writes_nothing_committed_is_lost(path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from rein.btc.amounts import Sat
        from rein.protocol.values import DocumentId
        from rein.store.tables.escrows import Payment
        from rein.store.store import Store
        store = Store(Path(sys.argv[1]))
        for number in range(100_000):
            order = DocumentId(f"{number:064x}")
            payment = Payment(
                order, "primary", "11" * 32, Sat(number), Sat(0), Sat(9), None, 0, "acceptance", order
            )
            store.escrows.observe(order, [], [payment])
            print(number, flush=True)
    """
    for wait in (0.0, 0.1):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            seen = [process.stdout.readline()]
            time.sleep(wait)
            process.kill()
            seen += process.stdout.readlines()
        last = int([line for line in seen if line.endswith("\n")][-1])
        store = Store(path)
        for number in range(last + 1):
            order = DocumentId(f"{number:064x}")
            assert store.escrows.payments(order)["primary"].amount == number


def test_a_full_disk_is_an_error_of_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite is told that the file may not grow, which it reports as a disk does."""
    store = Store(path)
    connect = store._database._connect

    def shrunk() -> sqlite3.Connection:
        connection = connect()
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(store._database, "_connect", shrunk)
    documents = [(job(person("Bob"), person("Alice"), job_id=f"{number:020}"), "http://x/") for number in range(60)]
    with pytest.raises(StoreError, match="full"):
        store.documents.add_received(documents)
    assert Store(path).documents.of_kinds("regtest", Kind.JOB) == []


def test_connections_are_not_kept(path: Path) -> None:
    """Each transaction opens and closes its own, so threads share nothing and nothing is left open."""
    database = Database(path)
    with database.reading() as first, database.reading() as second:
        assert first is not second
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        first.execute("SELECT 1")


def test_money_is_whole_numbers_on_the_disk_too(path: Path, execute: Callable[..., list[Any]]) -> None:
    order = DocumentId("ab" * 32)
    Store(path).escrows.observe(order, [], [payment(order, 2_100_000_000_000_000, 1)])
    assert execute("SELECT typeof(amount), amount FROM payment") == [("integer", 2_100_000_000_000_000)]


def test_a_database_that_is_only_read_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "home" / "rein.db"
    one, other = (Database(path, create=False) for _ in range(2))
    with one.reading() as connection:
        assert connection.execute("SELECT count(*) FROM document").fetchone()[0] == 0
    assert not path.parent.exists()
    with one.writing() as connection:
        connection.execute("CREATE TABLE probe (x)")
    with other.reading() as connection:
        assert connection.execute("SELECT count(*) FROM probe").fetchone()[0] == 0, "another one made it meanwhile"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
