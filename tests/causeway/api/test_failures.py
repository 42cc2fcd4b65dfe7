"""What goes wrong on our side: said without a traceback, logged without contents, tried again where that helps."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, text

from causeway.app import create_app
from causeway.db import engine as engine_module
from causeway.db.engine import ATTEMPTS, Database, LostRaceError, parse_url
from causeway.errors import BusyError, DatabaseDownError, DatabaseError
from causeway.kv.store import Store
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person


@pytest.fixture
def database(server: Server) -> Database:
    """A second way into the server's database."""
    return Database(parse_url(server.settings.database_url or ""), connections=4)


def test_a_fault_is_answered_without_a_traceback_and_logged_without_contents(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    contents = "somebody's secret"

    def fail(*_: object) -> str:
        raise ValueError(contents)

    monkeypatch.setattr(Store, "get_one", fail)
    with caplog.at_level(logging.ERROR):
        answer = caller.get("/get", key="key")
    assert answer.outcome == (500, "internal")
    assert contents not in str(answer.data)
    assert "ValueError" in caplog.text
    assert contents not in caplog.text


def test_a_transaction_that_loses_a_race_is_run_again(database: Database) -> None:
    runs = []

    def work(connection: Connection) -> str:
        runs.append(connection.scalar(text("SELECT pg_current_xact_id()")))
        if len(runs) < 3:
            raise LostRaceError
        return "done"

    assert database.write(work) == "done"
    assert len(set(runs)) == 3


def test_it_is_not_run_for_ever(database: Database) -> None:
    runs = []

    def work(_: Connection) -> None:
        runs.append(1)
        raise LostRaceError

    with pytest.raises(BusyError):
        database.write(work)
    assert len(runs) == ATTEMPTS


def test_a_deadlock_is_run_again(database: Database, server: Server) -> None:
    server.rows("CREATE TABLE IF NOT EXISTS lockable (id int)")
    server.rows("INSERT INTO lockable VALUES (1), (2)")
    both_hold_one = Barrier(2)
    first_run = [True, True]

    def work(number: int) -> int:
        def steps(connection: Connection) -> int:
            for which in (number, 3 - number):
                connection.execute(text("SELECT 1 FROM lockable WHERE id = :id FOR UPDATE"), {"id": which})
                if which == number and first_run[number - 1]:
                    first_run[number - 1] = False
                    both_hold_one.wait(5)
            return number

        return database.write(steps)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, (1, 2))) == [1, 2]
    server.rows("DROP TABLE lockable")


def test_what_the_work_raises_changes_nothing(database: Database, server: Server) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("INSERT INTO owner (address) VALUES ('x')"))
        raise KeyError

    with pytest.raises(KeyError):
        database.write(work)
    assert server.value("SELECT count(*) FROM owner") == 0


def test_a_statement_that_takes_too_long_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "STATEMENT_TIMEOUT_MS", 100)
    quick = Database(parse_url(server.settings.database_url or ""), connections=1)
    with pytest.raises(BusyError):
        quick.write(lambda connection: connection.execute(text("SELECT pg_sleep(10)")))
    with pytest.raises(BusyError):
        quick.read(lambda connection: connection.execute(text("SELECT pg_sleep(10)")))


def test_a_lock_that_is_not_given_is_given_up(
    server: Server, caller: Caller, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LOCK_TIMEOUT_MS", 100)
    impatient = Caller(create_app(server.settings).test_client())
    with server.engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM bucket FOR UPDATE"))
        response = impatient.http.post("/put", json=impatient.put_body(bob, "key", "value"))
    assert (response.status_code, response.get_json()["code"]) == (503, "busy")
    assert response.headers["Retry-After"] == "1"


def test_connections_that_the_database_closed_are_replaced(server: Server, caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "value").status == 201
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name"
    server.rows(others, name="of_regtest")
    answers = [caller.put(bob, "key", "value", nonce=server.mint().make(bob.master_address)) for _ in range(3)]
    assert [answer.status for answer in answers] == [201] * 3
    server.rows(others, name="of_regtest")
    assert caller.stored("key") == "value"
    assert caller.get("/status").status == 200


def test_a_database_that_is_away_is_named(server: Server) -> None:
    away = Database(parse_url("postgresql://nobody@127.0.0.1:1/none"), connections=1)
    with pytest.raises(DatabaseDownError):
        away.read(lambda _: None)
    with pytest.raises(DatabaseDownError):
        away.write(lambda _: None)


def test_synchronous_commit_is_on_whatever_the_database_thinks(server: Server, database: Database) -> None:
    server.rows("ALTER ROLE postgres SET synchronous_commit = off")
    try:
        fresh = Database(parse_url(server.settings.database_url or ""), connections=1)
        shown = [
            run(lambda connection: connection.scalar(text("SHOW synchronous_commit")))
            for run in (fresh.write, fresh.read)
        ]
        assert shown == ["on", "off"]
    finally:
        server.rows("ALTER ROLE postgres RESET synchronous_commit")


@pytest.mark.parametrize("url", ["nonsense", "sqlite:///x", "mysql://h/d", "://", "postgresql://h:port/d", ""])
def test_a_url_of_no_postgresql_is_named(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        parse_url(url)
    assert caught.value.hint


def test_a_password_is_never_repeated() -> None:
    with pytest.raises(DatabaseError) as caught:
        parse_url("mysql://user:hunter2@host/name")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
