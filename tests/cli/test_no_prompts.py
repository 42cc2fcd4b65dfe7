"""Where nobody is at the terminal no command asks, waits or guesses: it ends, and names an option that it has."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import rein.cli
from rein.cli.commands import COMMANDS
from tests.reference.commands import leaves

ROOM = Path(rein.cli.__file__).parent
QUESTIONS = {"ask": 1, "ask_text": 1, "ask_secret": 1, "choose": 2, "agrees": 1, "answer": 2, "text": 2}
"""Methods that need a person: where the flag stands among the arguments."""
FOREVER = {"devnet", "demo", "watch"}


def questions() -> Iterator[tuple[str, int, str]]:
    """Module, line, and the flag of every question there is."""
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in QUESTIONS:
                flag = node.args[QUESTIONS[node.func.attr]] if len(node.args) > QUESTIONS[node.func.attr] else None
                if path.name != "terminal.py" and isinstance(flag, ast.Constant):
                    yield path.name, node.lineno, str(flag.value)


def commands_of(module: str) -> list[click.Command]:
    """Those a module declares, or the one it is a part of (`setup_offline`); all that use it, where there is none."""
    name = module.removesuffix(".py")
    module_of = {command: where.rpartition(".")[2] for command, (where, _) in COMMANDS.items()}
    home = next((each for each in (name, name.partition("_")[0]) if each in module_of.values()), name)
    declared = {command for command, where in module_of.items() if where == home}
    found = [command for name, command in leaves() if name.split()[0] in declared]
    shared = [command for _, command in leaves() if any(option.name == "job" for option in command.params)]
    return found or shared


def answers(command: click.Command) -> set[str]:
    """What a question of a command may name: its options, and its arguments in capitals."""
    spelled = {spelling for each in command.params for spelling in (*each.opts, *each.secondary_opts)}
    arguments = {str(each.name) for each in command.params if isinstance(each, click.Argument)}
    return (spelled - arguments) | {name.upper() for name in arguments}


@pytest.mark.parametrize(("module", "line", "flag"), list(questions()))
def test_the_flag_a_question_names_exists(module: str, line: int, flag: str) -> None:
    """Or the argument, as its usage spells it."""
    named = [word for word in flag.replace("(", " ").split() if word.startswith("--") or word.isupper()]
    assert named, f"{module}:{line} names no flag"
    assert set(named) <= {answer for command in commands_of(module) for answer in answers(command)}


def test_there_are_questions_and_they_are_asked_by_the_terminal_only() -> None:
    assert len(list(questions())) > 15
    for path in ROOM.rglob("*.py"):
        if path.name not in ("terminal.py", "keyboard.py"):
            text = path.read_text(encoding="utf-8")
            assert not any(f"{call}(" in text for call in ("click.prompt", "click.confirm", "input", "getpass")), path


def least(command: click.Command) -> list[str]:
    """The fewest words a command takes."""
    words: list[str] = []
    for each in command.params:
        if each.required:
            sample = each.type.choices[0] if isinstance(each.type, click.Choice) else "1"
            words += [str(sample)] if isinstance(each, click.Argument) else [each.opts[0], str(sample)]
    return words


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An identity that knows nobody."""
    home = tmp_path_factory.mktemp("nobody") / "home"
    done = _closed(home, "setup", "--name", "Ann", "--contact", "a", "--yes", passphrase="correct horse")
    assert done.returncode == 0, done.stderr
    return home


def _closed(home: Path, *words: str, passphrase: str = "") -> subprocess.CompletedProcess[str]:
    """A command without standard input: not even an empty one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
    if passphrase:
        environment["REIN_PASSPHRASE"] = passphrase
    program = [sys.executable, "-m", "rein", "--home", str(home), "--network", "regtest"]
    program += ["--chain", "http://ann:x@127.0.0.1:9", *words]
    return subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *program], capture_output=True, text=True, timeout=60, env=environment
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "command"),
    [pytest.param(*each, id=each[0]) for each in leaves() if each[0] not in FOREVER],
)
def test_no_command_waits_for_somebody(home: Path, name: str, command: click.Command) -> None:
    done = _closed(home, *name.split(), *least(command))
    assert "Traceback" not in done.stderr
    assert done.returncode in range(10)
    if done.returncode:
        assert "Hint: " in done.stderr or "Usage: " in done.stderr or name == "doctor"
    if "an answer is needed" in done.stderr:
        assert done.returncode == 2
        hint = done.stderr.split("Hint:  ")[1]
        assert answers(command) & set(hint.replace(".", "").split())


def test_a_missing_passphrase_is_named(home: Path) -> None:
    done = _closed(home.parent / "new", "setup", "--name", "x", "--contact", "y", "--no-mediate")
    assert (done.returncode, "--passphrase-fd" in done.stderr) == (2, True)
