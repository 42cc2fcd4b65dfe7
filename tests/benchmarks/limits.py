"""What this machine can do at most, at each of the things a request is made of."""

from __future__ import annotations

import io
import multiprocessing
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL

from causeway.db.engine import make_patient_engine
from rein.btc import message
from tests.benchmarks.load import get, measure
from tests.support.people import person

SECONDS = 2.0
CORES = 2


def recoveries_per_second() -> float:
    """Signatures verified by recovering the key, on all cores."""
    who = person("Bench")
    signature = message.sign(who.master, "a request to be verified")
    with multiprocessing.get_context("fork").Pool(CORES) as pool:
        return sum(pool.starmap(_recover, [(who.master_address, signature)] * CORES))


def _recover(address: str, signature: str) -> float:
    count, began = 0, time.monotonic()
    while time.monotonic() - began < SECONDS:
        for _ in range(50):
            assert message.verify(address, "a request to be verified", signature)
        count += 50
    return count / (time.monotonic() - began)


def copied_rows_per_second(url: URL, size: int) -> float:
    """Rows of a document's size that COPY writes into a table with one index, durably."""
    rows = 20_000
    data = "".join(f"{number}\t{number:064x}\t{'x' * size}\n" for number in range(rows))
    with make_patient_engine(url).connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        cursor = raw.cursor()
        cursor.execute("CREATE TABLE copied (seq bigint PRIMARY KEY, id text, armored text)")
        began = time.monotonic()
        cursor.copy_expert("COPY copied FROM STDIN", io.StringIO(data))
        raw.commit()
        seconds = time.monotonic() - began
        cursor.execute("DROP TABLE copied")
        raw.commit()
    return rows / seconds


_BARE = """
import sys
from granian.constants import Interfaces
from granian.server.mp import MPServer
def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "2")])
    return [b"ok"]
MPServer("bare", port=int(sys.argv[1]), interface=Interfaces.WSGI, workers=2, blocking_threads=16,
         log_enabled=False).serve(target_loader=lambda: app, wrap_loader=False)
"""


def bare_requests_per_second(port: int, count: int) -> float:
    """Requests that the same WSGI server answers with an application that does nothing."""
    with _bare_server(port):
        return measure(port, [get("/")] * count).per_second


@contextmanager
def _bare_server(port: int) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", _BARE, str(port)])
    try:
        for _ in range(100):
            time.sleep(0.1)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield
    finally:
        process.terminate()
        process.wait(10)
