"""`causeway` as operators run it: real processes, real signals, and what they say when something is wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import URL

from rein.protocol.auth import sign_put
from tests.support.people import Story, enroll, person

BOB = person("Bob")
READY_S = 30
STOP_S = 5


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data directory that the servers of this module use one after the other."""
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        yield Path(directory) / "data"


@dataclass(frozen=True)
class Process:
    """A running `causeway serve`."""

    process: subprocess.Popen[str]
    ready: str
    url: str

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        with requests.get(self.url + path, params=parameters, timeout=10) as response:
            answer: dict[str, Any] = response.json()
            return answer

    def put(self, key: str, value: str) -> dict[str, Any]:
        nonce = self.get("/nonce", address=BOB.master_address)["nonce"]
        body = {
            "key": key,
            "value": value,
            "owner": BOB.master_address,
            "nonce": nonce,
            "signature_address": BOB.delegate_address,
            "signature": sign_put(BOB.delegate, key, value, BOB.delegate_address, nonce),
        }
        with requests.post(self.url + "/put", json=body, timeout=10) as response:
            answer: dict[str, Any] = response.json()
            return answer

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(STOP_S)


def command(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start `causeway`, without what the tester's own environment says of one."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("CAUSEWAY_", "DATABASE_URL"))}
    return subprocess.Popen(
        [sys.executable, "-m", "causeway", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        start_new_session=True,
    )


@contextmanager
def serving(*arguments: object) -> Iterator[Process]:
    """Run `causeway serve` until the block ends."""
    process = command("serve", "--network", "regtest", "--port", 0, *arguments)
    with process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            if not ready:
                pytest.fail(f"it did not start: {process.stderr.read() if process.stderr else ''}")
            yield Process(process, ready, ready.split()[4])
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def failure(*arguments: object, **environment: str) -> tuple[int, str]:
    """The exit code and what is said on stderr by a command that must fail, and say nothing else."""
    process = command(*arguments, **environment)
    out, err = process.communicate(timeout=READY_S)
    assert out == ""
    assert "Traceback" not in err
    return process.returncode, err


def test_what_was_stored_is_there_after_a_restart(data: Path, told: Story) -> None:
    with serving("--data", data) as server:
        assert server.ready == f"causeway is listening on {server.url} (regtest)\n"
        assert server.get("/request", owner=BOB.master_address)["result"] == "success"
        assert server.put("enrollment", enroll(BOB).armored)["result"] == "success"
        assert server.put("job", told.job.armored)["result"] == "success"
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < STOP_S
        assert server.process.communicate() == ("", "")
    assert not (data / "postgres" / "postmaster.pid").exists()
    with serving("--data", data) as server:
        assert server.get("/get", key="job")["value"] == told.job.armored
        assert server.get("/query", owner=BOB.master_address, query="jobs")["jobs"] == [told.job.armored]
        assert server.get("/status")["documents"] == 2
        assert server.stop(signal.SIGINT) == 0


def test_a_killed_server_loses_nothing_and_its_port_is_free_at_once(data: Path) -> None:
    with serving("--data", data, "--workers", 2) as server:
        server.get("/request", owner=BOB.master_address)
        server.put("enrollment", enroll(BOB).armored)
        assert server.put("killed", "still there")["result"] == "success"
        port = server.url.rpartition(":")[2]
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    with serving("--data", data, "--port", port) as server:
        assert server.url.endswith(port)
        assert server.get("/get", key="killed")["value"] == "still there"
        assert server.stop() == 0


def test_a_killed_worker_is_replaced(data: Path) -> None:
    with serving("--data", data, "--workers", 1) as server:
        (worker,) = children(server.process.pid)
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                if server.get("/status")["result"] == "success":
                    break
            except requests.ConnectionError:
                time.sleep(0.1)
        assert server.get("/status")["network"] == "regtest"
        assert server.stop() == 0


def children(pid: int) -> list[int]:
    """The worker processes of a server."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


def test_operators_mistakes_are_said_in_one_sentence(data: Path, postgres: URL, tmp_path: Path) -> None:
    with serving("--data", data) as server:
        port = server.url.rpartition(":")[2]
        elsewhere = ("--data", tmp_path / "other", "--database-url", "postgresql://x@127.0.0.1:1/x")
        cases = {
            "the port is taken": (
                10,
                f"causeway: 127.0.0.1 port {port} cannot be listened on: Address already in use",
                ("serve", "--network", "regtest", "--data", data, "--port", port),
            ),
            "another network": (
                9,
                "causeway: this database holds documents of regtest, and the server is to serve signet",
                ("serve", "--network", "signet", "--data", data, "--port", "0"),
            ),
            "no database there": (
                9,
                "causeway: the database cannot be used: connection to server",
                ("serve", *elsewhere),
            ),
            "no database at all": (
                9,
                "causeway: the database URL begins with 'mysql'",
                ("serve", "--database-url", "mysql://h"),
            ),
            "no such network": (2, "causeway: unknown Bitcoin network 'moonnet'", ("serve", "--network", "moonnet")),
            "no number": (2, "Usage: causeway serve", ("serve", "--port", "many")),
            "no such directory": (
                9,
                "causeway: the data directory /proc/x cannot be written",
                ("serve", "--data", "/proc/x"),
            ),
            "upgrade without a database": (9, "causeway: the database cannot be used", ("db", "upgrade", *elsewhere)),
        }
        started = {what: command(*arguments) for what, (_, _, arguments) in cases.items()}
        for what, (code, says, _) in cases.items():
            out, err = started[what].communicate(timeout=READY_S)
            assert (started[what].returncode, out) == (code, ""), (what, err)
            assert err.startswith(says), what
            assert "Traceback" not in err
        assert server.get("/status")["result"] == "success"
        assert server.stop() == 0


def test_the_database_is_upgraded_without_a_server(empty_database: URL) -> None:
    url = empty_database.render_as_string(hide_password=False)
    process = command("db", "upgrade", DATABASE_URL=url)
    assert process.communicate(timeout=READY_S) == ("the database is up to date\n", "")
    assert process.returncode == 0


def test_a_client_that_says_nothing_does_not_keep_the_server_from_stopping(data: Path) -> None:
    with serving("--data", data) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as silent, socket.create_connection((host, int(port))) as slow:
            silent.sendall(b"GET /sta")
            slow.sendall(
                b"POST /put HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            )
            assert server.get("/status")["result"] == "success"
            assert server.stop() == 0
