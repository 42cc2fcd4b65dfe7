"""kill -9 of any process, in a loop and under load, loses nothing that was acknowledged."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.causeway.test_serving import READY_S, Process, children, command
from tests.support.legacy_requests import sign_put
from tests.support.people import Person, enroll, person

pytestmark = pytest.mark.slow

CLIENTS = 4
ROUNDS_OF_EACH = 2
LOAD_S = 1.5


@dataclass
class Client:
    """Somebody who puts values as fast as answers come, and remembers which puts were acknowledged."""

    who: Person
    url: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    nonce: str | None = None

    def run(self, stop: threading.Event) -> None:
        number = len(self.acknowledged)
        session = requests.Session()
        while not stop.is_set():
            number += 1
            try:
                self._put(
                    session, f"{self.who.name.replace(' ', '-')}/{number % 300}", f"value {number} of {self.who.name}"
                )
            except requests.RequestException:
                # Whether it was stored is not known: the next client's view must not depend on it.
                self.nonce = None
                session.close()
                session = requests.Session()
                time.sleep(0.05)
        session.close()

    def _put(self, session: requests.Session, key: str, value: str) -> None:
        if self.nonce is None:
            self.nonce = (
                session.get(self.url + "/nonce", params={"address": self.who.master_address}, timeout=5)
                .json()
                .get("nonce")
            )
            if self.nonce is None:
                return
        nonce, self.nonce = self.nonce, None
        # From now on the key may hold the old value or the new one, until an answer says which.
        before = self.acknowledged.pop(key, None)
        body = {
            "key": key,
            "value": value,
            "owner": self.who.master_address,
            "nonce": nonce,
            "signature_address": self.who.delegate_address,
            "signature": sign_put(self.who.delegate, key, value, self.who.delegate_address, nonce),
        }
        with session.post(self.url + "/put", json=body, timeout=5) as response:
            answer = response.json()
        if response.status_code == 201:
            self.acknowledged[key] = value
            self.nonce = answer["nonce"]
        elif answer["code"] in ("busy", "database_down", "bad_nonce", "nonce_expired"):
            if before is not None and answer["code"] in ("busy", "bad_nonce", "nonce_expired"):
                self.acknowledged[key] = before
        else:
            self.faults.append(str(answer))


@dataclass
class Running:
    """A server on a fixed port and data directory that can be killed and started again."""

    data: Path
    port: int
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def started(self) -> Process:
        assert self.process is not None
        return self.process

    def start(self) -> None:
        process = command("serve", "--network", "regtest", "--port", self.port, "--data", self.data, "--workers", 2)
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready, process.stderr.read() if process.stderr else ""
        self.process = Process(process, ready, self.url)

    def is_up(self) -> bool:
        try:
            return requests.get(self.url + "/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    def wait(self) -> None:
        deadline = time.monotonic() + READY_S
        while not self.is_up():
            assert time.monotonic() < deadline, "it did not come back"
            time.sleep(0.1)

    # ----- killing -----

    def kill_worker(self) -> None:
        os.kill(random.choice(children(self.started.process.pid)), signal.SIGKILL)

    def kill_server(self) -> None:
        """The first process alone: its workers notice."""
        os.kill(self.started.process.pid, signal.SIGKILL)
        self._restart()

    def kill_everything(self) -> None:
        """The first process, its workers and PostgreSQL, as a machine does that loses its power."""
        workers = children(self.started.process.pid)
        postmaster = self.postmaster()
        for pid in (self.started.process.pid, *workers, *children(postmaster), postmaster):
            with suppress(ProcessLookupError):  # a backend may have ended meanwhile
                os.kill(pid, signal.SIGKILL)
        self._restart()

    def kill_postmaster(self) -> None:
        """PostgreSQL's first process; its backends notice. The server is restarted, as its supervisor would."""
        os.kill(self.postmaster(), signal.SIGKILL)
        time.sleep(0.5)
        os.kill(self.started.process.pid, signal.SIGKILL)
        self._restart()

    def kill_backend(self) -> None:
        """One of PostgreSQL's processes: it ends all connections and recovers by itself."""
        os.kill(random.choice(children(self.postmaster())), signal.SIGKILL)

    def postmaster(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split("\n")[0])

    def _restart(self) -> None:
        self.started.process.wait(READY_S)
        self.started.process.communicate()
        self.start()


@pytest.fixture
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Running(Path(directory) / "data", port)
        server.start()
        try:
            yield server
        finally:
            server.started.process.terminate()
            try:
                server.started.process.wait(READY_S)
            except subprocess.TimeoutExpired:
                server.started.process.kill()
            server.started.process.communicate()


def test_nothing_that_was_acknowledged_is_lost(running: Running) -> None:
    clients = [Client(person(f"Client {number}"), running.url) for number in range(CLIENTS)]
    for client in clients:
        who = client.who
        assert running.started.get("/request", owner=who.master_address)["result"] == "success"
        first = sign_first(running, who)
        assert first["result"] == "success", first
    kills: list[Callable[[], None]] = [
        running.kill_worker,
        running.kill_server,
        running.kill_backend,
        running.kill_postmaster,
        running.kill_everything,
    ]
    for kill in kills * ROUNDS_OF_EACH:
        stop = threading.Event()
        threads = [threading.Thread(target=client.run, args=(stop,), daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        try:
            time.sleep(LOAD_S)
            kill()
            time.sleep(LOAD_S)
        finally:
            stop.set()
        for thread in threads:
            thread.join()
        running.wait()
        for client in clients:
            assert client.faults == []
            assert client.acknowledged, kill
            for key, value in client.acknowledged.items():
                assert running.started.get("/get", key=key).get("value") == value, (kill, key)


def sign_first(running: Running, who: Person) -> dict[str, object]:
    """Store the enrollment by which the delegate may write."""
    nonce = running.started.get("/nonce", address=who.master_address)["nonce"]
    value = enroll(who).armored
    body = {
        "key": "enrollment-" + who.master_address,
        "value": value,
        "owner": who.master_address,
        "nonce": nonce,
        "signature_address": who.delegate_address,
        "signature": sign_put(who.delegate, "enrollment-" + who.master_address, value, who.delegate_address, nonce),
    }
    with requests.post(running.url + "/put", json=body, timeout=10) as response:
        answer: dict[str, object] = response.json()
        return answer
