"""The client and its servers: a first sync, a sync with nothing new, and the state of a thousand jobs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import URL, text

from causeway.db.embedded import EmbeddedPostgres
from causeway.db.engine import make_patient_engine
from rein.btc.networks import REGTEST
from rein.protocol.signed import Signed, verify
from rein.remote.causeway import Causeway, batches
from rein.store.store import Store
from rein.store.tables.identities import IdentityRow
from rein.store.tables.servers import ServerRow
from tests.benchmarks.figures import Figure
from tests.support.people import Person, enroll, person, story

DOCUMENTS = 10_000
JOBS = 1_000
SERVERS = 5
_RUNS = 5
_CHAIN = "http://127.0.0.1:1"
"""Nobody is there: looking at the chain is not what is measured."""


def figures() -> list[Figure]:
    """Whole commands, beside bare verification of the same documents and an empty Python."""
    documents = market(DOCUMENTS // 5)
    bare = _cpu(lambda: [verify(signed.armored) for signed in documents])
    started = min(_seconds([sys.executable, "-c", "pass"]) for _ in range(_RUNS))
    return [*_syncs(documents, bare, started), _status(documents[: 5 * JOBS], started)]


def _syncs(documents: Sequence[Signed[object]], bare: float, started: float) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="rein-bench-") as directory, ExitStack() as stack:
        folder = Path(directory)
        embedded = EmbeddedPostgres(folder / "data")
        embedded.start()
        stack.callback(embedded.stop)
        urls = [stack.enter_context(served(embedded.url, number)) for number in range(SERVERS)]
        for number, url in enumerate(urls):
            _fill(embedded.url, number, url, documents if number == 0 else documents[:100])
        first = min(_first_sync(folder / f"first{run}", urls[:1]) for run in range(2))
        _first_sync(folder / "five", urls)
        _timed(folder / "five", "sync")
        again = min(_timed(folder / "five", "sync") for _ in range(_RUNS))
    return [
        Figure(f"first sync of {len(documents):,} documents", 1_000 * first, "ms", 1_000 * bare),
        Figure(f"sync with nothing new, {SERVERS} servers", 1_000 * again, "ms", 1_000 * started),
    ]


def _status(documents: Sequence[Signed[object]], started: float) -> Figure:
    with tempfile.TemporaryDirectory(prefix="rein-bench-") as directory:
        home = Path(directory)
        remember_jobs(home, documents)
        _timed(home, "status")
        status = min(_timed(home, "status") for _ in range(_RUNS))
    return Figure(f"rein status with {JOBS:,} jobs", 1_000 * status, "ms", 1_000 * started)


def market(jobs: int) -> list[Signed[object]]:
    """Whole jobs of the same three people, five documents each, after their enrollments."""
    stories = [story(job_id=f"bench{number:015}") for number in range(jobs)]
    return [signed for told in stories for signed in (told.job, *told.documents)]


def remember_jobs(home: Path, documents: Sequence[Signed[object]]) -> None:
    """A home of Bob's that knows these documents."""
    bob = person("Bob")
    store = Store(home / "rein.db")
    store.identities.add(_row(bob), enroll(bob))
    others = [enroll(person("Alice"), True), enroll(person("Charlie"))]
    store.documents.add_received([(signed, "http://x/") for signed in (*others, *documents)])


def _row(who: Person) -> IdentityRow:
    return IdentityRow(0, "regtest", who.name, who.contact, who.master_address, who.delegate_address, "keys/x")


def _first_sync(home: Path, urls: Sequence[str]) -> float:
    """Of somebody who wrote nothing but his enrollment, which is there already."""
    dora = person("Mallory")
    store = Store(home / "rein.db")
    identity = store.identities.add(_row(dora), enroll(dora))
    for url in urls:
        store.servers.set(identity.id, ServerRow(url, 1, 1_000_000))
    _disown(home)
    return _timed(home, "sync")


def _disown(home: Path) -> None:
    """Nothing to upload, so that no key file is needed."""
    import sqlite3

    with sqlite3.connect(home / "rein.db") as connection:
        connection.execute("UPDATE document SET own = 0")
    connection.close()


def _timed(home: Path, *words: str) -> float:
    command = [sys.executable, "-m", "rein", "--home", str(home), "--network", "regtest", "--chain", _CHAIN, "--json"]
    return _seconds([*command, *words])


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def _cpu(run: object) -> float:
    began = time.process_time()
    run()  # type: ignore[operator]
    return time.process_time() - began


def _fill(url: URL, number: int, server_url: str, documents: Sequence[Signed[object]]) -> None:
    enrollments = [enroll(person("Alice"), True), enroll(person("Bob")), enroll(person("Charlie"))]
    values = [(f"bench/{signed.id}", signed.armored) for signed in (*enrollments, *documents)]
    owner = person("Bench")
    server = Causeway(server_url, REGTEST, owner.master_address, owner.master_address)
    server.request("bench")
    _execute(url.set(database=f"bench{number}"), "UPDATE bucket SET bytes_total = 1000000000")
    for batch in batches(values):
        assert not any(server.put(batch, owner.master))
    server.close()


def _execute(url: URL, statement: str) -> None:
    with make_patient_engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


@contextmanager
def served(url: URL, number: int) -> Iterator[str]:
    """A server with a database of its own."""
    _execute(url, f"CREATE DATABASE bench{number}")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CAUSEWAY_")}
    database = url.set(database=f"bench{number}").render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "causeway", "serve", "--network", "regtest", "--port", "0", "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**clean, "DATABASE_URL": database},
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline().split()[4].rpartition(':')[2])}/"
    finally:
        process.terminate()
        process.wait(20)
