"""The error tree: what its docstring draws is what there is, and each error keeps its exit code on the way out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rein import errors
from rein.cli import main
from rein.errors import ReinError

_LINE = re.compile(r"^    (?P<indent>[│├└─ ]*)(?P<name>\w+)\s{2,}(?P<code>\w+)(?:\s{2,}(?P<exit>\d))?", re.MULTILINE)


def everything(cls: type[ReinError] = ReinError) -> Iterator[type[ReinError]]:
    yield cls
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from everything(child)


ALL = list(everything())
DRAWN = {match["name"]: match for match in _LINE.finditer(errors.__doc__ or "")}


def test_the_picture_has_every_class_and_no_other() -> None:
    assert set(DRAWN) == {cls.__name__ for cls in ALL}
    assert len(ALL) == len({cls.__name__ for cls in ALL}) >= 18


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_code_and_exit_code_are_as_drawn(cls: type[ReinError]) -> None:
    drawn = DRAWN[cls.__name__]
    if cls is ReinError:
        assert (cls.code, cls.exit_code) == ("error", 1)
        return
    assert cls.code == drawn["code"]
    assert cls.exit_code == int(drawn["exit"])


def test_parents_are_as_drawn() -> None:
    parents: list[str] = []
    for name, drawn in DRAWN.items():
        depth = len(drawn["indent"]) // 4
        parents[depth:] = [name]
        if depth:
            assert getattr(errors, name).__mro__[1].__name__ == parents[depth - 1]


def test_every_code_is_one_errors_alone() -> None:
    codes = [cls.code for cls in ALL]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)
    assert all("code" in vars(cls) for cls in ALL), "none inherits the code of its parent"


def test_exit_codes_leave_room_for_the_shell() -> None:
    """1 is for the unforeseen, 2 is also click's for a wrong command line, 126 and more are the shell's."""
    assert {cls.exit_code for cls in ALL} == set(range(1, 10))


def test_an_error_carries_its_sentence_and_hint() -> None:
    error = errors.EscrowError("no", hint="yes")
    assert (str(error), error.message, error.hint) == ("no", "no", "yes")
    assert errors.EscrowError("no").hint is None


def _raise_from_a_command(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Lets `rein config` end with this error."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("rein.settings.read_config", fail)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["people", "json"])
def test_a_command_that_fails_exits_with_the_code_of_its_error(
    cls: type[ReinError],
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """--json before or after the command's name: the same exit code, and one object on stdout."""
    _raise_from_a_command(monkeypatch, cls("it went\nwrong", hint="do this"))
    for words in ([*flags, "config"], ["config", *flags]):
        assert main.run(["--home", str(tmp_path), *words]) == cls.exit_code
        found = capsys.readouterr()
        assert found.err == "Error: it went wrong\nHint:  do this\n"
        if flags:
            described = {"code": cls.code, "message": "it went\nwrong", "hint": "do this"}
            assert json.loads(found.out) == {"error": described}
        else:
            assert found.out == ""


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 1)], ids=["ctrl-c", "pipe"]
)
def test_interruptions_are_no_tracebacks(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _raise_from_a_command(monkeypatch, error)
    assert main.run(["--home", str(tmp_path), "config"]) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["nonsense", "--nonsense", "status --nonsense", "testnet maybe", "testnet", "config a b c"]
)
def test_a_wrong_command_line_exits_with_2(words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main.run(["--home", str(tmp_path / "home"), *words.split()]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert "Error: " in found.err
    assert not (tmp_path / "home").exists()


def test_a_mistyped_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["stauts"]) == 2
    assert "Did you mean 'status'?" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["config netwrok x", "config netwrok", "config network lightning", "config network"])
def test_a_wrong_setting_exits_with_2_and_says_what_there_is(
    words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main.run(["--home", str(tmp_path), *words.split()]) == 2
    found = capsys.readouterr().err
    assert "Hint:  " in found
    assert ("is not a setting" in found) == ("netwrok" in words)
