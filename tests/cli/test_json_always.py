"""With --json stdout holds one object, whatever happens: for every command, before and after its name."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest

from rein.cli.demo import run_command
from rein.cli.main import INTERRUPTED, run
from rein.store.schema import STEPS
from tests.cli.test_no_prompts import FOREVER, least
from tests.reference.commands import leaves

COMMANDS = [pytest.param(name, command, id=name) for name, command in leaves()]
ENDING = [each for each in COMMANDS if each.id not in FOREVER]
ONE_RESULT_ANYWAY = {"doctor", "sync"}
"""They print what they found, and their exit code tells that some of it is bad."""


def only_object(out: str) -> dict[str, Any]:
    found = json.loads(out)
    assert isinstance(found, dict)
    assert out.isascii()
    return found


def check(name: str, words: list[str]) -> None:
    code, out, err = run_command(words)
    assert "Traceback" not in err
    found = only_object(out)
    assert code in range(10)
    if name not in ONE_RESULT_ANYWAY:
        assert ("error" in found) == (code != 0)
    if "error" in found:
        assert set(found["error"]) == {"code", "message", "hint"}
        assert found["error"]["message"].split()[0] in err


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_a_wrong_command_line(name: str, command: click.Command, tmp_path: Path) -> None:
    home = ["--home", str(tmp_path)]
    for words in (
        ["--json", *home, *name.split(), "--no-such-option"],
        [*home, *name.split(), *least(command), "--json", "--limti"],
        ["--json", *home, *name.split(), *["surplus"] * 3, "--no-such-option"],
    ):
        check(name, words)


Harm = Callable[[Path], None]


def _file(home: Path) -> None:
    home.write_text("not a home")


def _no_database(home: Path) -> None:
    home.mkdir()
    (home / "rein.db").write_bytes(b"my notes, and more of them" * 100)


def _newer(home: Path) -> None:
    home.mkdir()
    with closing(sqlite3.connect(home / "rein.db")) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")


def _no_settings(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[")


def _impossible(home: Path) -> None:
    home.symlink_to("/proc/none/rein")


HOMES: list[Harm] = [lambda _: None, _file, _no_database, _newer, _no_settings, _impossible]


@pytest.mark.parametrize("harm", HOMES, ids=["none", "a file", "no database", "newer", "no settings", "impossible"])
@pytest.mark.parametrize(("name", "command"), ENDING)
def test_a_home_that_is_none(
    name: str, command: click.Command, harm: Harm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harm(tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    place = ["--home", str(tmp_path / "home"), "--network", "regtest", "--chain", "http://a:b@127.0.0.1:9"]
    check(name, ["--json", *place, *name.split(), *least(command)])
    if any(each.name == "dry_run" for each in command.params):
        check(name, [*place, *name.split(), *least(command), "--dry-run", "--json"])


def test_a_home_that_the_environment_names_and_that_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _file(tmp_path / "home")
    monkeypatch.setenv("REIN_HOME", str(tmp_path / "home"))
    assert run(["status", "--json"]) in range(1, 10)
    assert "home" in only_object(capsys.readouterr().out)["error"]["message"]


def rein(home: Path, *words: str, **how: Any) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
    program = [sys.executable, "-m", "rein", "--home", str(home), "--network", "regtest", *words]
    return subprocess.Popen(program, env=environment, **how)


@pytest.mark.parametrize("words", [("setup",), ("setup", "--json")], ids=["people", "programs"])
def test_ctrl_c_at_a_question(words: tuple[str, ...], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with rein(tmp_path / "home", *words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        told = b""
        while b"Name or handle" not in told:  # a question stands where it is answered, whatever takes the messages
            told += os.read(ours, 1024)
        time.sleep(0.5)  # Python does not notice a signal in the moment before it begins to read
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    os.close(ours)
    os.close(theirs)
    assert process.returncode == INTERRUPTED
    assert err.decode().splitlines()[-1] == "Stopped; nothing more was done."
    if words[1:]:
        assert only_object(out.decode())["error"]["code"] == "stopped"
    else:
        assert out == b""


# Where the output goes.


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [("--help",), ("config",), ("config", "--json"), ("mediators", "-h")])
def test_a_full_disk_is_a_clear_error(words: tuple[str, ...], tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full, rein(tmp_path, *words, stdout=full, stderr=subprocess.PIPE) as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    said, hint, command = err.decode().splitlines()[-3:]
    assert "No space left on device" in said
    assert hint.startswith("Hint:  ")
    assert command.strip().startswith("rein ")
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


@pytest.mark.parametrize("words", [("--help",), ("config",), ("config", "--json")])
def test_a_reader_who_has_read_enough(words: tuple[str, ...], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with rein(tmp_path, *words, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"Error" not in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed(closed: str, tmp_path: Path) -> None:
    command = f'exec "$0" -m rein --home "$1" --network regtest config {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable, str(tmp_path)], capture_output=True, timeout=30)
    assert done.returncode == 0
    assert done.stderr == b""


def test_letters_that_the_terminal_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with rein(tmp_path, "日本ü", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "No such command '??ü'" in err.decode("latin-1")
