"""A real PostgreSQL, started once; a server for each of two networks on it; and clean tables for every test."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import URL, Engine, text

from causeway.app import create_app
from causeway.auth.nonces import NonceMint
from causeway.db.embedded import EmbeddedPostgres
from causeway.db.engine import make_patient_engine
from causeway.db.migrate import upgrade
from causeway.settings import Settings, load_settings
from rein.btc.networks import MAINNET, REGTEST, Network
from tests.causeway.callers_v1 import Caller as CallerV1
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person, Story, person, story

EMPTY = "; ".join(
    f"DELETE FROM {table}"
    for table in (
        *("kv", "replica", "peer", "enrollment", "document", "tombstone", "delegation", "nonce_use"),
        *("warning", "watched_block", "receipt", "purchase", "ledger", "deposit", "bucket", "subnet_day", "owner"),
    )
)
"""Quicker than TRUNCATE for tables as small as a test's."""


@dataclass(frozen=True)
class Server:
    """An application in this process, and its database seen from behind."""

    app: Flask
    engine: Engine
    settings: Settings

    def rows(self, sql: str, **parameters: object) -> list[tuple[object, ...]]:
        """What a statement finds or changes in the database."""
        with self.engine.begin() as connection:
            result = connection.execute(text(sql), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []

    def value(self, sql: str, **parameters: object) -> object:
        """The one value that a statement finds."""
        ((value,),) = self.rows(sql, **parameters)
        return value

    def mint(self, seconds_ago: float = 0) -> NonceMint:
        """The server's own mint with its clock set back: an attacker who could do this would know the secret."""
        secret = self.value("SELECT nonce_secret FROM installation")
        assert isinstance(secret, bytes | memoryview)
        return NonceMint(bytes(secret), clock=lambda: time.time() - seconds_ago)

    def caller(self) -> Caller:
        """Somebody who talks to it."""
        return Caller(self.app.test_client())


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A running PostgreSQL. It does not wait for the disk: that is tested where servers are killed."""
    # Not under pytest's own directory: a second pytest at the same time closes that to the account PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        embedded = EmbeddedPostgres(Path(directory))
        try:
            embedded.start()
            _at_once(embedded.url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield embedded.url
        finally:
            embedded.stop()


@pytest.fixture
def empty_database(postgres: URL, request: pytest.FixtureRequest) -> Iterator[URL]:
    """A database without tables, for one test."""
    _at_once(postgres, "DROP DATABASE IF EXISTS for_one_test", "CREATE DATABASE for_one_test")
    yield postgres.set(database="for_one_test")
    _at_once(postgres, "DROP DATABASE for_one_test WITH (FORCE)")


@pytest.fixture(scope="session")
def _regtest(postgres: URL) -> Iterator[Server]:
    yield from _serve(postgres, REGTEST)


@pytest.fixture(scope="session")
def _mainnet(postgres: URL) -> Iterator[Server]:
    yield from _serve(postgres, MAINNET)


@pytest.fixture
def server(_regtest: Server) -> Server:
    """A server of regtest that holds nothing."""
    _regtest.rows(EMPTY)
    return _regtest


@pytest.fixture
def mainnet_server(_mainnet: Server) -> Server:
    """A server of mainnet that holds nothing."""
    _mainnet.rows(EMPTY)
    return _mainnet


@pytest.fixture
def caller(server: Server) -> Caller:
    """Somebody who talks to the server."""
    return server.caller()


@pytest.fixture
def v1(server: Server) -> CallerV1:
    """Somebody who talks to the server's versioned API."""
    return CallerV1(server.app.test_client())


@pytest.fixture
def bob(caller: Caller) -> Person:
    """An owner with one bucket, whose enrollment is not stored."""
    bob = person("Bob")
    caller.register(bob)
    return bob


@pytest.fixture
def mallory(caller: Caller) -> Person:
    """Another one, up to no good."""
    mallory = person("Mallory")
    caller.register(mallory)
    return mallory


@pytest.fixture
def deal() -> Story:
    """A whole job: Bob hires Charlie, Alice would mediate."""
    return story()


def _serve(postgres: URL, network: Network) -> Iterator[Server]:
    _at_once(postgres, f"CREATE DATABASE of_{network.name}")
    url = postgres.set(database=f"of_{network.name}")
    upgrade(url)
    settings = load_settings(
        {"CAUSEWAY_DATA": str(Path(__file__).parent)},
        network=network.name,
        database_url=url.render_as_string(hide_password=False),
        threads=8,
    )
    engine = make_patient_engine(url)
    yield Server(create_app(settings), engine, settings)
    engine.dispose()


def _at_once(url: URL, *statements: str) -> None:
    """Run statements that PostgreSQL does not allow in a transaction."""
    with make_patient_engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
