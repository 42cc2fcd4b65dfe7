"""Hints name commands as they are to be typed: with the home, the identity and the network that are in use."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rein.cli
from rein.cli.commands import COMMANDS
from rein.cli.common import Cli
from rein.cli.console.advice import with_options
from rein.cli.demo import run_command

ROOM = Path(rein.cli.__file__).parent
NAMED = re.compile(rf"\brein (?:{'|'.join(COMMANDS)})\b")


def test_every_command_in_a_hint_gets_the_options() -> None:
    hint = "Publish it with `rein sync`, then pay: `rein fund`. rein COMMAND --help"
    assert with_options(hint, "--home bob") == (
        "Publish it with `rein --home bob sync`, then pay: `rein --home bob fund`. rein --home bob COMMAND --help"
    )
    assert with_options(hint, "") == hint
    assert with_options("rein config network x", "--home h --network signet") == "rein --home h config network x"
    assert with_options("rein testnet true", "--network signet") == "rein testnet true"
    for text in ("Another rein is writing to it.", "rein.db and rein --home x sync", "foreign rein", "terrein sync"):
        assert with_options(text, "--home bob") == text


@given(text=st.text("rein sync`: fund\\1\\g<0>"), home=st.text(st.characters(codec="utf-8"), min_size=1))
def test_once_is_enough_and_a_shell_reads_it_back(text: str, home: str) -> None:
    options = shlex.join(["--home", home])
    once = with_options(text, options)
    assert once.replace(f"{options} ", "") == text.replace(f"{options} ", "")
    assert with_options(once, options) == once or NAMED.search(options)
    assert shlex.split(with_options("rein sync", options)) == ["rein", "--home", home, "sync"]


def test_no_command_is_named_without_them() -> None:
    """In what is said: `advise` adds them. Errors, notes and `finish` do it themselves."""
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "say":
                plain = " ".join(str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant))
                allowed = path.name in ("devnet.py", "case.py")  # for another home, and for anybody
                assert allowed or not NAMED.search(plain), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize(
    ("given", "kept", "repeated"),
    [
        ({}, "", ""),
        ({"home": "a b"}, "", "--home 'a b'"),
        ({"home": "h", "identity": "Ann", "network": "regtest"}, "", "--home h --identity Ann --network regtest"),
        ({"home": "h", "network": "regtest"}, 'network = "regtest"', "--home h"),
        ({"home": "h", "network": "signet"}, 'network = "regtest"', "--home h --network signet"),
        ({"home": "h", "identity": "Ann"}, 'identity = "Ann"', "--home h"),
        ({"home": "h", "network": "signet"}, "damaged", "--home h --network signet"),
    ],
)
def test_what_the_next_command_needs(
    given: dict[str, str], kept: str, repeated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home remembers its own network and identity, so these are not repeated."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REIN_HOME", str(tmp_path / "other"))
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "config.toml").write_text(kept)
    cli = Cli()
    cli.update({name: Path(value) if name == "home" else value for name, value in given.items()})
    assert cli.repeated() == repeated


def test_an_error_a_note_and_a_result(tmp_path: Path) -> None:
    home = str(tmp_path / "my home")
    quoted = shlex.quote(home)
    code, out, err = run_command(["--home", home, "--network", "regtest", "sync"])
    assert (code, out) == (3, "")
    assert err.endswith(f"Hint:  Create an identity:\n         rein --home {quoted} --network regtest setup\n")
    code, out, err = run_command(["--home", home, "--network", "regtest", "--json", "sync"])
    assert json.loads(out)["error"]["hint"] == f"Create an identity: rein --home {quoted} --network regtest setup"
    nowhere = ("--network", "regtest", "--chain", "http://ann:x@127.0.0.1:9")
    words = ("setup", "--name", "Ann", "--contact", "a", "--no-mediate", "--yes")
    code, out, err = run_command(["--home", home, *nowhere, *words])
    assert code == 0, err
    assert f"register servers with:\n  rein --home {quoted} request URL\nThen" in out, "the home remembers the network"
    code, out, err = run_command(["--home", home, "--identity", "Ann", "status"])
    assert f"Find one with:\n  rein --home {quoted} --identity Ann jobs\n" in out
    _, _, err = run_command(["--home", home, "jobs", "--page", "first"])
    assert err.endswith(f"Hint:  The options and an example:\n         rein --home {quoted} jobs --help\n")


def test_what_i_typed_and_what_a_stranger_wrote(tmp_path: Path) -> None:
    """An error about one's own document says to change it; one about a stranger's, to ask the stranger."""
    home = ("--home", str(tmp_path / "home"), "--network", "regtest", "--chain", "http://ann:x@127.0.0.1:9")
    _, _, err = run_command([*home, "setup", "--name", "x" * 101, "--contact", "a", "--no-mediate", "--yes"])
    assert "101 characters" in err
    assert "whoever wrote" not in err
    forged = tmp_path / "forged"
    forged.write_text("-----BEGIN BITCOIN SIGNED MESSAGE-----\nRein Job\n")
    _, _, err = run_command([*home, "verify", str(forged)])
    assert "Ask whoever wrote it for the whole text, unchanged." in err


@pytest.mark.parametrize("words", [["wallet", "send", "x", "22000000btc"], ["bids", "--min-price", "22000000"]])
def test_no_hint_names_a_command_that_is_not_one(words: list[str], tmp_path: Path) -> None:
    _, _, err = run_command(["--home", str(tmp_path / "home"), "--network", "regtest", *words])
    assert "COMMAND" not in err
