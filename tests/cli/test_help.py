"""`rein --help`: every command, at once, without loading what only commands need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest

import rein
from rein.cli.commands import ALIASES, COMMANDS, SECTIONS
from rein.cli.demo import run_command
from rein.cli.tree import load, tree
from tests.cli.test_no_prompts import leaves
from tests.support.screen import ended, rein_at_terminal

HEAVY = (
    "sqlalchemy",
    "requests",
    "urllib3",
    "embit",
    "bitcoin",
    "coincurve",
    "ecdsa",
    "cryptography",
    "flask",
    "pbk",
    "segno",
)


def python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        cwd=Path(rein.__file__).parents[1],
    )


_LOADED = """
    import json, sys
    from rein.cli.main import run
    code = run(sys.argv[1:])
    print(json.dumps([code, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"], []], ids=["help", "h", "version", "nothing"])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    done = python(_LOADED, *words)
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == (0 if words else 2)
    assert set(HEAVY) & set(loaded) == set()


def test_status_loads_nothing_heavy(tmp_path: Path) -> None:
    """What most people type most reads the database, and needs no library of keys, transactions or HTTP."""
    done = python(_LOADED, "--home", str(tmp_path), "status")
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == 3, "nobody is enrolled here"
    assert set(HEAVY) & set(loaded) == set()
    assert "sqlite3" in loaded


SCREEN = (24, 80)


def shown(*words: str) -> list[str]:
    """What `rein` prints on a screen of 24 lines and 80 columns."""
    with rein_at_terminal(*words) as child:
        code, told = ended(child)
    assert code == 0, told
    return [line.rstrip() for line in told.splitlines()]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], *(["help", name] for name in [*SECTIONS, "options"])])
def test_a_page_of_help_fits_one_screen(words: list[str]) -> None:
    lines = shown(*words)
    assert len(lines) < SCREEN[0], "the last line is for the next command"
    assert max(map(len, lines)) <= SCREEN[1]


def test_help_shows_every_command_in_its_section() -> None:
    lines = shown("--help")
    start = lines.index("Sections and their commands:") + 1
    listed = " ".join(lines[start:]).split()
    assert listed == [word for name, each in SECTIONS.items() for word in (name, *each.commands)]


@pytest.mark.parametrize("name", SECTIONS)
def test_the_help_of_a_section_says_what_its_commands_do(name: str) -> None:
    lines, section = shown("help", name), SECTIONS[name]
    if list(section.commands) == [name]:
        assert lines[0].startswith(f"Usage: rein {name} ")
        return
    assert lines[0] == f"{section.title}:"
    for command, (_, text) in section.commands.items():
        assert any(line.split()[0] == command and line.endswith(text) for line in lines if line.strip())


def test_a_section_is_a_package_of_commands() -> None:
    packages = {each.name for each in Path(rein.__file__).with_name("cli").iterdir() if (each / "__init__.py").exists()}
    assert set(SECTIONS) == packages - {"toolkit", "console"}
    for name, section in SECTIONS.items():
        for module, _ in section.commands.values():
            assert module.startswith((f"rein.cli.{name}.", "rein.cli.config", "rein.cli.completion", "rein.cli.de"))


@pytest.mark.parametrize("words", [["help", "bid"], ["--home", "x", "help", "bid"], ["bid", "-h"], ["bid", "--help"]])
def test_own_options_come_first_and_the_global_ones_are_one_block(words: list[str], tmp_path: Path) -> None:
    lines = shown(*words)
    own, shared = lines.index("Options:"), lines.index("Global options (rein help options):")
    assert any(re.match(r"  -h, --help +Show this message", line) for line in lines[own:shared])
    assert len(lines) - shared <= 4
    assert not any("--home" in line or "--quiet" in line for line in lines[:shared])


def test_help_of_what_there_is_not() -> None:
    code, out, err = run_command(["help", "stauts"])
    assert (code, out) == (2, "")
    assert "Did you mean 'status'?" in err


def test_help_of_a_command_of_a_group() -> None:
    assert run_command(["help", "psbt", "show"])[1].startswith("Usage: rein psbt show ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bid", "--text", "x"], "No such option '--text'.\nHint"),
        (["bid", "--amuont", "1"], "Did you mean '--amount'?\nHint"),
        (["psbt", "show", "--jsno"], "Did you mean '--json'?\nHint"),
        (["nonsense"], "No such command 'nonsense'.\nHint"),
    ],
)
def test_only_what_is_near_is_suggested(words: list[str], said: str) -> None:
    code, _, err = run_command(words)
    assert (code, said in err) == (2, True), err


@pytest.mark.parametrize("words", [["bid", "--jobid"], ["bid", "--jobid", "x", "--amount"], ["rate", "--role", "boss"]])
def test_a_missing_or_wrong_value_hints_at_the_help_of_that_command(words: list[str]) -> None:
    code, _, err = run_command(words)
    assert code == 2
    assert err.split()[-3:] == ["rein", words[0], "--help"]


def test_aliases_stand_for_commands_that_are_there() -> None:
    for words, target in ALIASES.items():
        name, *options = target.split()
        command = load(name)
        assert set(options) <= {option for each in command.params for option in each.opts}
        assert not set(COMMANDS) & {words.split()[0]}


def test_an_alias_does_what_its_command_does(tmp_path: Path) -> None:
    place = ["--home", str(tmp_path / "home"), "--network", "regtest"]
    for words, same in (
        (["show", "n0ql"], ["status", "--jobid", "n0ql"]),
        (["show"], ["status"]),
        (["accept-resolution", "--jobid", "x"], ["acceptresolution", "--jobid", "x"]),
    ):
        assert run_command([*place, *words]) == run_command([*place, *same])


def test_every_command_exists_under_its_name_and_says_what_it_does() -> None:
    context = click.Context(tree)
    assert tree.list_commands(context) == list(COMMANDS)  # type: ignore[attr-defined]  # it is a Tree
    for name in COMMANDS:
        command = tree.get_command(context, name)  # type: ignore[attr-defined]
        assert isinstance(command, click.Command)
        assert command.name == name
        for each in (command, *below(name)):
            assert each.help
            for option in each.params:
                if isinstance(option, click.Option) and each.name != "run":  # what `rein devnet` does
                    assert option.help, f"rein {name} {option.opts[0]} has no help"


def test_every_command_of_the_issue_is_there() -> None:
    wanted = "setup request sync post bid offer fund deliver accept collect status testnet demo devnet"
    assert set(wanted.split()) <= set(COMMANDS)


def below(name: str) -> list[click.Command]:
    """The commands of a group: `show` of `rein psbt show`."""
    command = tree.get_command(click.Context(tree), name)  # type: ignore[attr-defined]  # it is a Tree
    return list(command.commands.values()) if isinstance(command, click.Group) else []


GROUPS = [name for name in COMMANDS if below(name)]


def test_groups() -> None:
    assert GROUPS == ["server", "psbt", "oldescrow", "case", "wallet", "export", "devnet"]


GLOBAL = ("--home", "--identity", "--network", "--json", "--yes", "--verbose", "--quiet")


@pytest.mark.parametrize("name", [*COMMANDS, None])
def test_global_options_stand_before_or_after_the_command(name: str | None) -> None:
    command = tree.get_command(click.Context(tree), name) if name else tree  # type: ignore[attr-defined]
    for each in below(name) if name in GROUPS else [command]:
        options = {option for parameter in each.params for option in parameter.opts}
        assert set(GLOBAL) <= options


def test_no_option_takes_a_secret() -> None:
    """S22: what is given as an argument can be read by everybody on the machine."""
    context = click.Context(tree)
    for name in COMMANDS:
        commands = [tree.get_command(context, name), *below(name)]  # type: ignore[attr-defined]
        for option in (option for command in commands for option in command.params):
            takes_text = isinstance(option, click.Option) and not option.is_flag and option.type.name == "text"
            assert not (takes_text and any(word in option.opts[0] for word in ("passphrase", "words", "secret", "key")))


def test_a_secret_is_read_from_descriptor_0_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_PASSPHRASE)],
        input="correct horse\nsomething else\n",
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(rein.__file__).parents[1],
    )
    assert done.stdout == "correct horse"


_PASSPHRASE = """
    import sys
    from rein.cli.common import Cli
    cli = Cli()
    cli.update({"passphrase_fd": 0})
    sys.stdout.write(str(cli.given_passphrase))
"""


def test_no_help_is_wider_than_an_ordinary_terminal() -> None:
    for name, each in leaves():
        lines = each.get_help(click.Context(each, info_name=f"rein {name}", terminal_width=80)).splitlines()
        copied = lines.index("  Example:") + 1  # on one line, so that it can be copied
        assert lines[copied].startswith("    rein ")
        assert [line for at, line in enumerate(lines) if len(line) > 80 and at != copied] == [], name
