"""Three real servers with a database each, reached over real HTTP; and peers that are none."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import URL
from werkzeug.serving import make_server

from causeway.app import create_app, make_puller
from causeway.db.engine import Database, make_patient_engine
from causeway.db.migrate import upgrade
from causeway.outbound import Peer
from causeway.replication.puller import Puller
from causeway.replication.status import peers_of
from causeway.settings import PullLimits, Settings, load_settings
from tests.causeway.callers_v1 import Caller as CallerV1
from tests.causeway.conftest import EMPTY, Server, _at_once
from tests.causeway.legacy_callers import Caller
from tests.remote.conftest import Answer
from tests.remote.conftest import Server as Scripted
from tests.support.people import Person

LIMITS = PullLimits(documents=100_000, bytes=2**30, kept_bytes=2**30, signer_bytes=2**30)


@dataclass
class Node:
    """A causeway that answers at `url` while it is not dead."""

    server: Server
    url: str = ""
    stop: Callable[[], None] = lambda: None
    peers: tuple[str, ...] = ()
    limits: PullLimits = LIMITS
    registered: set[str] = field(default_factory=set)
    _database: Database | None = None
    _puller: Puller | None = None

    @property
    def caller(self) -> Caller:
        return self.server.caller()

    @property
    def v1(self) -> CallerV1:
        return CallerV1(self.server.app.test_client())

    @property
    def settings(self) -> Settings:
        peers = tuple(Peer(url) for url in self.peers)
        return replace(self.server.settings, peers=peers, pull_limits=self.limits)

    def put(self, owner: Person, *documents: Any) -> None:
        """Store documents under their ids, in a bucket of their owner's own."""
        if owner.name not in self.registered:
            self.caller.register(owner)
            self.registered.add(owner.name)
        assert set(self.v1.put(owner, {each.id: each for each in documents}).codes) == {None}

    def pull(self, *, fresh: bool = False) -> int:
        """One round of its puller; a fresh one knows of no allowance that was used."""
        if self._puller is None or fresh:
            self._puller, self._database = make_puller(self.settings)
        return self._puller.pull()

    def forget_waiting(self) -> None:
        """All the time passes that failing peers are given."""
        self.server.rows("UPDATE peer SET next_try = NULL")

    def feed(self) -> list[str]:
        """The ids in its feed, each as often as it stands there."""
        found: list[str] = []
        after = 0
        while True:
            page = self.v1.get("/feed", after=after, limit=1_000).data
            found += [each["id"] for each in page["documents"]]
            if page["next"] == after:
                return found
            after = page["next"]

    def status(self) -> list[dict[str, Any]]:
        """The peers in /status."""
        app = create_app(self.settings)
        peers: list[dict[str, Any]] = app.test_client().get("/status").get_json()["peers"]
        assert [each["url"] for each in peers] == list(self.peers)
        database = Database(self.server.engine.url, connections=1)
        assert [each.url for each in peers_of(database, self.settings)] == list(self.peers)
        database.close()
        return peers


@contextmanager
def listening(server: Server) -> Iterator[Node]:
    """Answer on the loopback until the block ends or the node is stopped."""
    http = make_server("127.0.0.1", 0, server.app, threaded=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            http.shutdown()
            thread.join()
            http.server_close()

    try:
        yield Node(server, f"http://127.0.0.1:{http.server_port}", stop)
    finally:
        stop()


def _made(postgres: URL, name: str) -> Server:
    _at_once(postgres, f"CREATE DATABASE {name}")
    url = postgres.set(database=name)
    upgrade(url)
    settings = load_settings({}, network="regtest", database_url=url.render_as_string(hide_password=False), threads=4)
    return Server(create_app(settings), make_patient_engine(url), settings)


@pytest.fixture(scope="session")
def _servers(postgres: URL) -> Iterator[list[Server]]:
    servers = [_made(postgres, f"replica_{name}") for name in "abc"]
    yield servers
    for server in servers:
        server.engine.dispose()


@pytest.fixture
def nodes(_servers: list[Server]) -> Iterator[tuple[Node, Node, Node]]:
    """Three empty servers that answer, with no peers yet."""
    for server in _servers:
        server.rows(EMPTY)
        server.rows("SELECT setval('document_seq', 1, false)")
    with listening(_servers[0]) as a, listening(_servers[1]) as b, listening(_servers[2]) as c:
        yield a, b, c


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Starts a peer that answers as a test says; all end with the test."""
    started: list[Scripted] = []

    def start(answer: Answer, tls: ssl.SSLContext | None = None) -> Scripted:
        started.append(Scripted(answer, tls))
        return started[-1]

    yield start
    for each in started:
        each.stop()
