"""docs/causeway.service as systemd runs it: the checks before the start, then the start, with its very words."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from alembic import command
from sqlalchemy import URL, text

from causeway.db.embedded import EmbeddedPostgres
from causeway.db.engine import make_patient_engine
from causeway.db.migrate import alembic_config, newest_revision, upgrade
from tests.causeway.conftest import _at_once
from tests.causeway.test_serving import READY_S, STOP_S

DOCS = Path(__file__).parents[2] / "docs"
UNIT = (DOCS / "causeway.service").read_text()
PROGRAM, CONFIG, DATA = "/opt/causeway/bin/causeway", "/etc/causeway.toml", "/var/lib/causeway"


def of_unit(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[URL]:
    """A PostgreSQL of the operator's, which waits for the disk: the doctor looks."""
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        embedded = EmbeddedPostgres(Path(directory))
        try:
            embedded.start()
            yield embedded.url
        finally:
            embedded.stop()


@pytest.fixture
def own_database(own_postgres: URL) -> Iterator[URL]:
    _at_once(own_postgres, "DROP DATABASE IF EXISTS of_the_operator", "CREATE DATABASE of_the_operator")
    yield own_postgres.set(database="of_the_operator")
    _at_once(own_postgres, "DROP DATABASE of_the_operator WITH (FORCE)")


class Machine:
    """One with the unit and the settings file of docs/operations.md."""

    def __init__(self, folder: Path, database: URL | None) -> None:
        self._config, self._data = folder / "causeway.toml", folder / "data"
        (written,) = re.findall(r"```toml\n(network = .*?)```", (DOCS / "operations.md").read_text(), re.DOTALL)
        settings = {**tomllib.loads(written), "network": "regtest", "data": str(self._data), "port": _free_port()}
        if database is not None:
            settings["database_url"] = database.render_as_string(hide_password=False)
        self._config.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        self._config.chmod(0o640)
        self.url = f"http://127.0.0.1:{settings['port']}"
        assert f"CAUSEWAY_CONFIG={CONFIG}" in UNIT
        assert f"CAUSEWAY_DATA={DATA}" in UNIT
        assert settings["trusted_proxy"]

    def _run(self, line: str) -> subprocess.Popen[str]:
        words = shlex.split(line)
        assert words[0] == PROGRAM
        environment = dict(each.split("=", 1) for line in of_unit("Environment") for each in shlex.split(line))
        here = {CONFIG: str(self._config), DATA: str(self._data)}
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("causeway")), *words[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: here.get(value, value) for name, value in environment.items()} | {"PATH": "/usr/bin:/bin"},
            cwd="/",
            start_new_session=True,
        )

    def check(self) -> tuple[int, str]:
        """ExecStartPre: systemd starts nothing where one of them fails."""
        said = ""
        for line in of_unit("ExecStartPre"):
            process = self._run(line)
            out, err = process.communicate(timeout=READY_S)
            said += out + err
            if process.returncode:
                return process.returncode, said
        return 0, said

    @contextmanager
    def start(self) -> Iterator[str]:
        """ExecStart, until the block ends."""
        (line,) = of_unit("ExecStart")
        with self._run(line) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline()
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(STOP_S)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: the account that runs PostgreSQL must get there."""
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        yield Path(directory)


def starts(machine: Machine) -> None:
    code, said = machine.check()
    assert code == 0, said
    with machine.start() as ready:
        assert ready.startswith("causeway is listening on"), ready
        assert requests.get(machine.url + "/readyz", timeout=10).status_code == 200
        # Restart=on-failure, while the last one is still there: the check must not mind.
        code, said = machine.check()
        assert code == 0, said


def test_it_starts_on_an_empty_database_of_ones_own(folder: Path, own_database: URL) -> None:
    machine = Machine(folder, own_database)
    starts(machine)
    starts(machine)


def test_it_starts_after_an_upgrade(folder: Path, own_database: URL) -> None:
    machine = Machine(folder, own_database)
    config = alembic_config()
    with make_patient_engine(own_database).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head-1")
    code, said = machine.check()
    assert (code, "older causeway" in said) == (0, True)
    starts(machine)
    with make_patient_engine(own_database).connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == newest_revision()


def test_it_starts_with_no_database_at_all(folder: Path) -> None:
    """The embedded one is made by the first start."""
    machine = Machine(folder, None)
    starts(machine)
    starts(machine)


def test_it_does_not_start_on_a_database_of_a_newer_causeway(folder: Path, own_database: URL) -> None:
    upgrade(own_database)
    with make_patient_engine(own_database).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    code, said = Machine(folder, own_database).check()
    assert (code, "newer causeway" in said) == (1, True)


def test_it_is_tried_again_for_as_long_as_it_takes() -> None:
    """A database that comes up a minute later must not find a unit that systemd has given up."""
    assert of_unit("Restart") == ["on-failure"]
    assert of_unit("StartLimitIntervalSec") == ["0"]
