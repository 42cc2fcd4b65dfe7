"""`causeway` as operators run it: real processes, real signals, and what they say when something is wrong."""

from __future__ import annotations

import dataclasses
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

import psutil
import pytest
import requests
from sqlalchemy import URL

from causeway import serving as serving_module
from causeway.app import create_app
from causeway.cli import main
from causeway.db.embedded import EmbeddedPostgres
from causeway.db.migrate import upgrade
from causeway.errors import DatabaseError, ListenError
from causeway.serving import serve
from causeway.settings import load_settings
from rein.btc.networks import SIGNET
from tests.causeway.conftest import Server
from tests.support.legacy_requests import sign_put
from tests.support.people import Story, enroll, person

BOB = person("Bob")
READY_S = 30
STOP_S = 20


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
        env={**clean, **environment},
        cwd="/",  # not the checkout: an installed causeway is the one that is tested
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


def test_what_was_stored_is_there_after_a_restart(data: Path, deal: Story) -> None:
    with serving("--data", data) as server:
        assert server.ready == f"causeway is listening on {server.url} (regtest)\n"
        assert server.get("/request", owner=BOB.master_address)["result"] == "success"
        assert server.put("enrollment", enroll(BOB).armored)["result"] == "success"
        assert server.put("job", deal.job.armored)["result"] == "success"
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < STOP_S
        assert server.process.communicate() == ("", "")
    assert not (data / "postgres" / "postmaster.pid").exists()
    with serving("--data", data) as server:
        assert server.get("/get", key="job")["value"] == deal.job.armored
        assert server.get("/query", owner=BOB.master_address, query="jobs")["jobs"] == [deal.job.armored]
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


def test_a_server_whose_own_database_died_ends_with_an_error_and_starts_again(data: Path) -> None:
    """`Restart=on-failure` in docs/causeway.service starts both anew."""
    with serving("--data", data, "--workers", 2) as server:
        server.get("/request", owner=BOB.master_address)
        server.put("enrollment", enroll(BOB).armored)
        assert server.put("died", "still there")["result"] == "success"
        os.kill(int((data / "postgres" / "postmaster.pid").read_text().split("\n")[0]), signal.SIGKILL)
        assert server.process.wait(STOP_S) == DatabaseError.exit_code != 0
        out, err = server.process.communicate()
        assert out == ""
        assert "causeway: the embedded PostgreSQL has died, and the server with it\nStart it again" in err
        assert "Traceback" not in err
    with serving("--data", data) as server:
        assert server.get("/get", key="died")["value"] == "still there"
        assert server.stop() == 0


def test_a_server_without_its_database_is_not_ready() -> None:
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        embedded = EmbeddedPostgres(Path(directory))
        embedded.start()
        try:
            upgrade(embedded.url)
            url = embedded.url.render_as_string(hide_password=False)
            app = create_app(load_settings({"CAUSEWAY_DATA": directory}, network="regtest", database_url=url))
            assert app.test_client().get("/readyz").status_code == 200
            os.kill(int((Path(directory) / "postgres" / "postmaster.pid").read_text().split("\n")[0]), signal.SIGKILL)
            deadline = time.monotonic() + STOP_S
            while embedded.is_listening():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            answer = app.test_client().get("/readyz")
            assert (answer.status_code, answer.get_json()["code"]) == (503, "database_down")
            assert app.test_client().get("/healthz").status_code == 200
        finally:
            embedded.stop()


def children(pid: int) -> list[int]:
    """The worker processes of a server."""
    return [child.pid for child in psutil.Process(pid).children()]


@pytest.fixture
def _in_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the logs of this process alone, and put back what `serve` does to its signals."""
    monkeypatch.setattr("causeway.cli.configure_logs", lambda: None)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


NOBODY_THERE = "postgresql://x@127.0.0.1:1/x"


@pytest.mark.usefixtures("_in_process")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("serve --network moonnet", 2, "causeway: unknown Bitcoin network 'moonnet'\none of: mainnet,"),
        ("serve --port many", 2, "Usage: causeway serve"),
        ("serve --port 70000", 2, "causeway: port is '70000'; it must be a whole number"),
        ("sevre", 2, "Usage: causeway"),
        ("serve --data /proc/x", 9, "causeway: the data directory /proc/x cannot be written"),
        ("serve --database-url mysql://h", 9, "causeway: the database URL begins with 'mysql'"),
        (f"serve --database-url {NOBODY_THERE}", 9, "causeway: the database cannot be used: connection to server"),
        (f"db upgrade --database-url {NOBODY_THERE}", 9, "causeway: the database cannot be used"),
    ],
)
def test_an_operators_mistake_is_said_in_one_sentence(
    arguments: str, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["causeway", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (code, "")
    assert err.startswith(says)
    assert len(err.splitlines()) <= 4


@pytest.mark.usefixtures("_in_process")
def test_a_database_of_another_network_is_not_served(server: Server) -> None:
    settings = dataclasses.replace(server.settings, network=SIGNET)
    with pytest.raises(DatabaseError, match="holds documents of regtest"):
        serve(settings)


@pytest.mark.usefixtures("_in_process")
@pytest.mark.parametrize("host", ["x" * 70, "203.0.113.1"])
def test_an_address_that_is_not_this_machines_is_named(server: Server, host: str) -> None:
    with pytest.raises(ListenError, match=f"{host} port 1 cannot be listened on"):
        serve(dataclasses.replace(server.settings, host=host, port=1))


@pytest.mark.usefixtures("_in_process")
def test_a_port_that_is_taken_is_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the other server would share it, as workers share theirs."""
    monkeypatch.setattr(serving_module, "PORT_PATIENCE_S", 0)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1 port {port} cannot be listened on"):
            serve(dataclasses.replace(server.settings, port=port))


def test_a_second_server_on_one_directory_shares_its_database(data: Path) -> None:
    with serving("--data", data) as first, serving("--data", data) as second:
        assert first.url != second.url
        first.get("/request", owner=BOB.master_address)
        assert second.get("/nonce", address=BOB.master_address)["result"] == "success"
        assert first.stop() == 0
        assert second.get("/status")["result"] == "success"
        assert second.stop() == 0
    assert not (data / "postgres" / "postmaster.pid").exists()


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
