"""Nothing is changed for good in a database that the command line did not name."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from causeway.cli import main
from causeway.db.engine import make_patient_engine
from causeway.errors import SettingsError
from causeway.maintenance.export import export_to
from causeway.settings import load_settings
from tests.causeway.conftest import Server
from tests.causeway.maintenance.test_data import filled, url_of  # noqa: F401 - a fixture
from tests.causeway.test_serving import READY_S, command

DOCS = Path(__file__).parents[3] / "docs"
NOBODY = "postgresql://operator:hunter2@127.0.0.1:1/production"
FILTER = ("--filter", "kind=opaque", "--yes", "--reason", "a test")

CHANGES = {
    "import": ("import", "FILE"),
    "delete": ("delete", *FILTER),
    "sweep": ("sweep",),
    "rescan": ("watch", "--rescan"),
    "from start": ("replicate", "--from-start", "--once", "--peers", "https://causeway.example"),
}


def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
    process = command(*arguments, **environment)
    out, err = process.communicate(timeout=READY_S)
    return process.returncode, out, err


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: the account that runs PostgreSQL must get there."""
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("name", CHANGES)
def test_a_database_that_only_the_surroundings_name_is_left_alone(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, nothing = folder / "set.toml", folder / "nothing.toml"
    file.write_text(f'database_url = "{NOBODY}"\n')
    nothing.write_text('network = "regtest"\n')
    for flags, environment in (
        ((), {"DATABASE_URL": NOBODY}),
        ((), {"CAUSEWAY_DATABASE_URL": NOBODY}),
        ((), {"CAUSEWAY_CONFIG": str(file)}),
        ((), {"CAUSEWAY_DATA": str(folder / "data")}),
        ((), {"HOME": str(folder)}),
        # A file that says nothing of it names none, and a variable goes before a file that does.
        (("--config", nothing), {"HOME": str(folder)}),
        (("--config", nothing), {"DATABASE_URL": NOBODY}),
        (("--config", file), {"DATABASE_URL": NOBODY}),
    ):
        with monkeypatch.context() as changed:
            for variable in [each for each in os.environ if each.startswith(("CAUSEWAY_", "DATABASE_URL"))]:
                changed.delenv(variable)
            for variable, text_ in environment.items():
                changed.setenv(variable, text_)
            changed.setattr("sys.argv", ["causeway", *CHANGES[name], *map(str, flags)])
            changed.setattr("causeway.cli.configure_logs", lambda: None)
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (2, ""), err
        assert "the command line does not say which one" in err
        assert "--data DIR" in err
        assert "hunter2" not in err
    assert {each.name for each in folder.iterdir()} == {file.name, nothing.name}


@pytest.mark.parametrize(
    ("environment", "flags"),
    [({"DATABASE_URL": NOBODY}, {}), ({}, {"database_url": NOBODY}), ({"DATABASE_URL": ""}, {"database_url": NOBODY})],
)
def test_flags_that_contradict_each_other_are_refused(environment: dict[str, str], flags: dict[str, str]) -> None:
    with pytest.raises(
        SettingsError, match=r"--data names the database under /tmp/drill, and .* names another"
    ) as caught:
        load_settings(environment, data="/tmp/drill", **flags)
    assert "--database-url none" in str(caught.value.hint)
    assert "hunter2" not in caught.value.message


def test_two_ways_to_look_are_one_too_many() -> None:
    code, out, err = run("watch", "--once", "--rescan", "--data", "/tmp/drill")
    assert (code, out) == (2, "")
    assert "give one of them" in err


@pytest.mark.parametrize(
    ("environment", "flags", "named"),
    [
        ({}, {"data": "/d"}, True),
        ({}, {"database_url": NOBODY}, True),
        ({"DATABASE_URL": NOBODY}, {"data": "/d", "database_url": "none"}, True),
        ({"DATABASE_URL": NOBODY}, {"database_url": "none"}, False),
        ({"DATABASE_URL": NOBODY}, {"database_url": "postgresql:///other"}, True),
        ({"CAUSEWAY_DATA": "/d"}, {"database_url": NOBODY}, True),
        ({"CAUSEWAY_DATA": "/d"}, {}, False),
        ({}, {}, False),
    ],
)
def test_who_names_it(environment: dict[str, str], flags: dict[str, str], named: bool) -> None:
    settings = load_settings(environment, **flags)
    assert settings.database_named is named
    assert (settings.database_url is None) is (flags.get("database_url") in ("none", None))


def test_a_file_on_the_command_line_names_what_it_has(tmp_path: Path) -> None:
    for line in (f'database_url = "{NOBODY}"', 'data = "/d"'):
        file = tmp_path / "causeway.toml"
        file.write_text(line)
        assert load_settings({}, config=file).database_named
        assert not load_settings({"CAUSEWAY_CONFIG": str(file)}).database_named
    assert not load_settings({"DATABASE_URL": NOBODY}, config=file).database_named, "the variable goes before the file"
    assert not load_settings({"CAUSEWAY_DATA": "/e"}, config=file).database_named


def test_who_only_looks_makes_no_tables(empty_database: URL, tmp_path: Path) -> None:
    named = ("--database-url", empty_database.render_as_string(hide_password=False))
    file = tmp_path / "file"
    for looking in (("stats",), ("export", file), ("delete", "--filter", "kind=opaque"), ("delete", *FILTER)):
        code, out, err = run(*looking, *named)
        assert (code, out) == (9, "")
        assert "does not have the tables of this version" in err
    with make_patient_engine(empty_database).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
    assert not file.exists()


def test_the_drill_of_the_manual_leaves_production_alone(
    filled: Server,  # noqa: F811 - the fixture
    folder: Path,
) -> None:
    """Its very lines, in a shell where the server's own database is set, and goes on being used meanwhile."""
    (block,) = re.findall(r"The drill, once a month.*?```\n(.*?)```", (DOCS / "operations.md").read_text(), re.DOTALL)
    first, *lines = re.sub(r"/(backup|tmp)/", f"{folder}/", block).splitlines()
    assert first.startswith("causeway export")
    assert lines[0].startswith("causeway import")
    production = url_of(filled).render_as_string(hide_password=False)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CAUSEWAY_", "DATABASE_URL"))}

    def type_(*lines: str) -> str:
        typed = "\n".join(("set -e", f'causeway() {{ {shlex.quote(sys.executable)} -m causeway "$@"; }}', *lines))
        done = subprocess.run(
            ["bash", "-c", typed],
            env={**clean, "CAUSEWAY_NETWORK": "regtest", "DATABASE_URL": production},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    type_(first)
    # What somebody deletes now would come back, if the copy were read into production.
    filled.rows("DELETE FROM kv WHERE key = 'text'")
    before, after = folder / "before", folder / "after"
    export_to(url_of(filled), before)
    assert f"importing into the PostgreSQL under {folder}/drill" in type_(*lines)
    assert not (folder / "drill").exists(), "the copy was the same, so it was removed"
    export_to(url_of(filled), after)
    assert after.read_bytes() == before.read_bytes()
    # As it was documented before: it ran on production.
    old = ("import", folder / "causeway.jsonl", "--data", folder / "drill")
    code, _, err = run(*old, DATABASE_URL=production, CAUSEWAY_NETWORK="regtest")
    assert (code, "names another one" in err) == (2, True)
