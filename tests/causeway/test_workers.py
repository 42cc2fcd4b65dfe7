"""The operator's side of real processes: counters of several workers, slow clients, an end that loses no request."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from causeway.db.engine import make_patient_engine, parse_url
from tests.causeway.conftest import Server
from tests.causeway.test_serving import BOB, READY_S, command, serving
from tests.support.people import enroll


@pytest.fixture
def own_database(server: Server) -> str:
    """A database for a server that is started as a process."""
    return server.settings.database_url or ""


def output(*arguments: object) -> tuple[int, str, str]:
    process = command(*arguments)
    out, err = process.communicate(timeout=READY_S)
    return process.returncode, out, err


def test_workers_are_counted_together(own_database: str) -> None:
    with serving("--database-url", own_database, "--workers", 2) as server:
        for _ in range(40):
            assert server.get("/healthz")["result"] == "success"
        metrics = requests.get(server.url + "/metrics", timeout=10).text
        assert 'causeway_requests_total{method="GET",route="/healthz",status="200"} 40\n' in metrics
        assert "causeway_database_connections_most 32\n" in metrics
        assert server.stop() == 0


@pytest.mark.slow
def test_clients_that_send_slowly_do_not_keep_others_out(own_database: str) -> None:
    """Only some of the threads wait for bodies, and only so long: the others answer."""
    head = b"POST /put HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with serving("--database-url", own_database, "--workers", 1, "--threads", 2) as server:
        host, port = server.url.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(2)]
        for each in slow:
            each.sendall(head)
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            try:
                assert requests.get(server.url + "/healthz", timeout=1).ok
                break
            except requests.RequestException:
                time.sleep(0.2)
        assert time.monotonic() < deadline
        for each in slow:
            each.close()
        assert server.stop() == 0


def test_a_request_that_is_being_answered_is_finished(own_database: str) -> None:
    with serving("--database-url", own_database) as server:
        server.get("/request", owner=BOB.master_address)
        server.put("enrollment", enroll(BOB).armored)
        answers: list[str] = []
        with make_patient_engine(parse_url(own_database)).begin() as connection:
            connection.execute(text("SELECT 1 FROM bucket FOR UPDATE"))
            waiting = threading.Thread(target=lambda: answers.append(server.put("late", "value")["result"]))
            waiting.start()
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(1)
        waiting.join(10)
        assert answers == ["success"]
        assert server.process.wait(10) == 0


def test_the_log_is_json_if_asked_for_and_names_no_contents(own_database: str) -> None:
    with serving("--database-url", own_database, "--log-format", "json", "--log-requests") as server:
        server.get("/request", owner=BOB.master_address, contact="private@example.com")
        server.get("/get", key="private")
        assert server.stop() == 0
        _, err = server.process.communicate()
    lines = [json.loads(line) for line in err.splitlines()]
    routes = [line["route"] for line in lines if line["event"] == "request"]
    assert "/request" in routes
    assert "/get" in routes
    assert "private" not in err
    assert BOB.master_address not in err


def test_the_commands_say_what_they_did(own_database: str, server: Server, tmp_path: Path) -> None:
    database = ("--database-url", own_database)
    with serving(*database) as running:
        running.get("/request", owner=BOB.master_address)
        running.put("enrollment", enroll(BOB).armored)
        assert running.put("text", "value")["result"] == "success"
        code, out, err = output("stats", "--json", *database)
        assert (code, err) == (0, "")
        assert json.loads(out)["values"] == 2
        assert output("export", tmp_path / "file", *database) == (
            0,
            f"1 documents and 2 values are in {tmp_path / 'file'}\n",
            "",
        )
        code, out, _ = output("delete", "--filter", "kind=opaque", *database)
        assert code == 0
        assert out.endswith("1 values, 9 bytes. Nothing was deleted: give --yes for that.\n")
        assert output("delete", "--filter", "kind=opaque", "--yes", *database)[0] == 2
        code, out, err = output("delete", "--filter", "kind=opaque", "--yes", "--reason", "spam", *database)
        assert (code, out) == (0, "1 values were deleted\n")
        assert "spam" in err
        assert running.get("/get", key="text")["code"] == "key_not_found"
        code, out, _ = output("import", tmp_path / "file", *database)
        assert code == 0
        assert "1 values added\n" in out
        assert running.get("/get", key="text")["value"] == "value"
        code, out, err = output("doctor", "--network", "regtest", "--port", running.url.rpartition(":")[2], *database)
        assert (code, err) == (1, "")  # the tests' database does not wait for the disk, and the doctor sees it
        assert "fail  the database runs with fsync off\n" in out
        assert "ok    the database has the tables of this version\n" in out
        assert len(re.findall("^fail", out, re.MULTILINE)) == 1, out
        assert running.stop() == 0


def test_an_unknown_key_in_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "causeway.toml"
    path.write_text("prot = 2016\n")
    code, out, err = output("serve", "--config", path)
    assert (code, out) == (2, "")
    assert err == f"causeway: {path}: unknown setting 'prot'\nDid you mean port?\n"
