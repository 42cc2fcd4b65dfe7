"""The server's own PostgreSQL: private, started once, found again, and stopped by who leaves last."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from causeway.db import embedded as module
from causeway.db.embedded import EmbeddedPostgres
from causeway.db.engine import make_patient_engine
from causeway.errors import DatabaseError


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data directory with a cluster, which every test of this module leaves stopped."""
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        yield Path(directory) / "data"


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def answers(embedded: EmbeddedPostgres) -> bool:
    try:
        with make_patient_engine(embedded.url).connect() as connection:
            return connection.scalar(text("SELECT 1")) == 1
    except OperationalError:
        return False


def test_it_starts_in_a_private_place_and_stops(data: Path) -> None:
    embedded = EmbeddedPostgres(data)
    embedded.start()
    try:
        assert answers(embedded)
        assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700
        assert not data.stat().st_mode & (stat.S_IRWXG | stat.S_IROTH | stat.S_IWOTH)
        with make_patient_engine(embedded.url).connect() as connection:
            assert connection.scalar(text("SHOW listen_addresses")) == ""
            assert connection.scalar(text("SHOW fsync")) == "on"
            assert connection.scalar(text("SHOW server_encoding")) == "UTF8"
    finally:
        embedded.stop()
    assert not (data / "postgres" / "postmaster.pid").exists()
    embedded.stop()


def test_the_last_of_two_users_stops_it(data: Path) -> None:
    first, second = EmbeddedPostgres(data), EmbeddedPostgres(data)
    first.start()
    second.start()
    pid = postmaster(data)
    first.stop()
    assert answers(second)
    assert postmaster(data) == pid
    second.stop()
    assert not (data / "postgres" / "postmaster.pid").exists()


def test_one_that_was_left_over_is_adopted(data: Path) -> None:
    killed = EmbeddedPostgres(data)
    killed.start()
    with make_patient_engine(killed.url).begin() as connection:
        connection.execute(text("CREATE TABLE kept (id int)"))
    pid = postmaster(data)
    assert killed._users is not None
    killed._users.close()  # what the system does for a killed process, which stops nothing
    heir = EmbeddedPostgres(data)
    heir.start()
    try:
        assert postmaster(data) == pid
        with make_patient_engine(heir.url).connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM kept")) == 0
    finally:
        heir.stop()
    assert not (data / "postgres" / "postmaster.pid").exists()


def test_one_that_was_killed_itself_is_started_again(data: Path) -> None:
    embedded = EmbeddedPostgres(data)
    embedded.start()
    pid = postmaster(data)
    assert embedded._users is not None
    embedded._users.close()
    os.kill(pid, signal.SIGKILL)
    heir = EmbeddedPostgres(data)
    heir.start()
    try:
        assert postmaster(data) != pid
        assert answers(heir)
    finally:
        heir.stop()


def test_a_path_too_long_for_a_socket_gets_a_private_short_one(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_SOCKET_PATH", 10)
    embedded = EmbeddedPostgres(data)
    embedded.start()
    directory = Path(str(embedded.url.query["host"]))
    try:
        assert directory != data / "postgres"
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert answers(embedded)
    finally:
        embedded.stop()
    assert not directory.exists()


def test_a_cluster_of_another_version_is_left_alone(data: Path) -> None:
    version = data / "postgres" / "PG_VERSION"
    before = version.read_text()
    version.write_text("12\n")
    try:
        with pytest.raises(DatabaseError, match="PostgreSQL 12"):
            EmbeddedPostgres(data).start()
    finally:
        version.write_text(before)


def test_what_a_killed_initdb_left_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    (data / "postgres.new" / "base").mkdir(parents=True)
    embedded = EmbeddedPostgres(data)
    ran = []
    monkeypatch.setattr(EmbeddedPostgres, "_run", lambda self, program, *arguments: ran.append(program))
    embedded._create_cluster()
    assert ran == ["initdb"]
    assert list((data / "postgres").iterdir()) == []


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="cannot be written"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_an_installation_without_programs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(DatabaseError, match="no embedded PostgreSQL") as caught:
        EmbeddedPostgres(tmp_path)
    assert "rein[server]" in str(caught.value.hint)


def test_it_starts_quickly_where_it_has_been_before(data: Path) -> None:
    embedded = EmbeddedPostgres(data)
    began = time.monotonic()
    embedded.start()
    try:
        assert time.monotonic() - began < 15
    finally:
        embedded.stop()
