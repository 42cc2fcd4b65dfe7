"""`python -m tests.benchmarks [--quick]`: what a real server does here, and how near that is to what it could."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import requests
from sqlalchemy import URL, text

from causeway.db.embedded import EmbeddedPostgres
from causeway.db.engine import make_patient_engine
from rein.btc.networks import REGTEST
from rein.protocol.auth import sign_request
from rein.protocol.wire import server_name
from tests.benchmarks.limits import bare_requests_per_second, copied_rows_per_second, recoveries_per_second
from tests.benchmarks.load import Measured, get, measure, post
from tests.support.legacy_requests import sign_put
from tests.support.people import Person, job, person

OWNERS = 40
BUCKETS = 4
BATCH = 100
SYNTHETIC = """
    INSERT INTO document (seq, id, kind, legacy, network, title, job_id, order_id, signer, tags, size, armored,
        expires, amount_sat, words)
    SELECT nextval('document_seq'), lpad(to_hex(n), 64, '0'), (ARRAY['job', 'bid', 'offer', 'delivery'])[n % 4 + 1],
        false, 'regtest', 'A job', lpad(n::text, 20, 'x'), lpad(to_hex(n - n % 4), 64, '0'), 'mBench', '{}',
        1500, repeat('x', 1500), 4000000000, CASE n % 4 WHEN 1 THEN 1000 + n END,
        CASE n % 4 WHEN 0 THEN to_tsvector('simple', 'A job number' || n) END
    FROM generate_series(:first, :last) AS n
"""
"""Rows of the tables of a real server, as fast as PostgreSQL makes them: what a page costs does not depend on
signatures."""

SINGLE_PUTS, SINGLE_PUT_MS, BATCHED, GETS = 1_500, 20, 15_000, 5_000
"""What two cores are to do in a second, and within how many milliseconds 99 of 100 single puts are to be answered."""

GROWTH = 1.5
"""How much more a page may cost with a hundred times as many documents."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--quick", action="store_true", help="A tenth of the requests, and 100,000 documents at most.")
    quick = parser.parse_args().quick
    count = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory(prefix="causeway-bench-") as directory:
        embedded = EmbeddedPostgres(Path(directory) / "data")
        embedded.start()
        try:
            _run(embedded.url, count, 100_000 if quick else 1_000_000)
        finally:
            embedded.stop()


def _run(url: URL, count: int, most: int) -> None:
    recoveries = recoveries_per_second()
    bare = bare_requests_per_second(_free_port(), count * 2)
    click.echo(f"limits: {recoveries:,.0f} recoveries/s on two cores, {bare:,.0f} bare requests/s")
    with _server(url) as port:
        people = _owners(port)
        bodies = _puts(port, people, count)
        rows = copied_rows_per_second(url, 1_600)
        puts = measure(port, [post("/put", body) for body in bodies])
        _say("signed puts", puts, {"recoveries": recoveries / 2, "rows by COPY": rows, "bare requests": bare})
        _say_goal(puts.per_second, SINGLE_PUTS, puts.percentile(99), SINGLE_PUT_MS)
        keys = [json.loads(body)["key"] for body in bodies]
        gets = measure(port, [get(f"/get?key={key}") for key in keys])
        _say("gets", gets, {"bare requests": bare})
        _say_goal(gets.per_second, GETS)
        _say_batches(port, people, count, {"recoveries": recoveries, "rows by COPY": rows})
        _pages(url, port, people[0], most)


def _say(what: str, measured: Measured, limits: dict[str, float], each: int = 1) -> None:
    ratios = ", ".join(f"{measured.per_second * each / limit:.2f} of {name}" for name, limit in limits.items())
    times = f"p50 {measured.percentile(50):.1f} ms, p99 {measured.percentile(99):.1f} ms"
    wrong = {status: n for status, n in measured.statuses.items() if status not in (200, 201)}
    click.echo(
        f"{what:26} {measured.per_second * each:8,.0f}/s  {times}  ({ratios})"
        + (f"  NOT SERVED: {wrong}" if wrong else ""),
    )


def _say_goal(per_second: float, goal: float, milliseconds: float = 0, allowed: float = 0) -> None:
    missed = []
    if per_second < goal:
        missed.append(f"{goal - per_second:,.0f}/s too few")
    if milliseconds > allowed:
        missed.append(f"p99 {milliseconds - allowed:.0f} ms too long")
    wanted = f"{goal:,.0f}/s" + (f" at p99 under {allowed:.0f} ms" if allowed else "")
    click.echo(f"{'':26} goal {wanted}: {', '.join(missed) or 'met'}")


# ----- what is sent --------------------------------------------------------------------------------------------------


def _owners(port: int) -> list[Person]:
    people = [person(f"Bench {number}") for number in range(OWNERS)]
    for who in people:
        for _ in range(BUCKETS):
            requests.get(f"http://127.0.0.1:{port}/request", params={"owner": who.master_address}, timeout=10)
    return people


def _nonce(port: int, who: Person) -> str:
    asked = requests.get(f"http://127.0.0.1:{port}/nonce", params={"address": who.master_address}, timeout=10)
    return str(asked.json()["nonce"])


def _document(number: int, who: Person) -> str:
    """A real job, signed: what is stored is verified like anybody's."""
    return job(who, person("Alice"), job_id=f"bench{number:015}").armored


def _puts(port: int, people: list[Person], count: int) -> list[bytes]:
    """One nonce for each owner: a nonce is good once for each key."""
    nonces = [_nonce(port, who) for who in people]
    bodies = []
    for number in range(count):
        who, nonce = people[number % OWNERS], nonces[number % OWNERS]
        key, value = f"bench/{number}", _document(number, who)
        signature = sign_put(who.master, key, value, who.master_address, nonce)
        body = {"key": key, "value": value, "owner": who.master_address, "nonce": nonce, "signature": signature}
        bodies.append(json.dumps(body).encode())
    return bodies


def _say_batches(port: int, people: list[Person], count: int, limits: dict[str, float]) -> None:
    batches = []
    for number in range(count // BATCH):
        who = people[number % OWNERS]
        values = [
            {"key": f"batch/{number}/{at}", "value": _document(count + number * BATCH + at, who)} for at in range(BATCH)
        ]
        body = json.dumps({"values": values}).encode()
        headers = sign_request(
            who.master,
            REGTEST,
            method="POST",
            server=server_name(f"http://127.0.0.1:{port}"),
            path_and_query="/v1/put",
            body_sha256=hashlib.sha256(body).hexdigest(),
            nonce=_nonce(port, who),
            owner=who.master_address,
        )
        batches.append(post("/v1/put", body, headers))
    measured = measure(port, batches, connections=2)
    _say(f"batches of {BATCH}", measured, limits, each=BATCH)
    _say_goal(measured.per_second * BATCH, BATCHED)


def _pages(url: URL, port: int, who: Person, most: int) -> None:
    """A page of the feed and of queries, with few documents and with many."""
    paths = {
        "feed, last page": "/v1/feed?after={last}&limit=100",
        "feed, middle": "/v1/feed?after={middle}&limit=100",
        "query jobs": f"/query?owner={who.master_address}&query=jobs",
        "search, by words": "/v1/search?text=number9988",
        "search, by a price none has": "/v1/search?max_price=1",
        "search, open": "/v1/search?open=1",
        "query by_job_id": f"/query?owner={who.master_address}&query=by_job_id&job_ids=bench000000000000007",
    }
    medians: dict[str, list[float]] = {name: [] for name in paths}
    stored = 0
    for total in (10_000, most):
        _fill(url, stored + 1, total)
        stored = total
        with make_patient_engine(url).connect() as connection:
            last = connection.scalar(text("SELECT max(seq) FROM document")) or 0
        for name, path in paths.items():
            asked = [get(path.format(last=last - 100, middle=last // 2))] * 300
            measured = measure(port, asked, processes=1, connections=1)
            assert set(measured.statuses) == {200}, (name, measured.statuses)
            medians[name].append(measured.percentile(50))
    for name, (few, many) in medians.items():
        verdict = "met" if many / few <= GROWTH else f"missed: x{GROWTH} is allowed"
        figures = f"{few:6.2f} ms at 10,000 documents, {many:6.2f} ms at {most:,}: x{many / few:.2f}"
        click.echo(f"{name:28} {figures}  {verdict}")


def _fill(url: URL, first: int, last: int) -> None:
    with make_patient_engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for begin in range(first, last + 1, 50_000):
            connection.execute(text(SYNTHETIC), {"first": begin, "last": min(begin + 49_999, last)})
        connection.execute(text("VACUUM ANALYZE document"))
        connection.execute(text("CHECKPOINT"))


# ----- the server ----------------------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _server(url: URL) -> Iterator[int]:
    words = ("serve", "--network", "regtest", "--port", "0", "--workers", "2")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CAUSEWAY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "causeway", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**clean, "DATABASE_URL": url.render_as_string(hide_password=False)},
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().split()[4].rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(20)
        time.sleep(0.1)
