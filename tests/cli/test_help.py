"""`rein --help`: every command, at once, without loading what only commands need."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest

import rein
from rein.cli.main import COMMANDS, tree
from tests.cli.test_no_prompts import leaves

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


def test_help_lists_every_command_in_the_order_of_a_job() -> None:
    done = python("import sys; from rein.cli.main import run; sys.exit(run(sys.argv[1:]))", "--help")
    listed = done.stdout[done.stdout.index("Commands:") :].splitlines()[1:]
    assert [line.split()[0] for line in listed if line.strip()] == list(COMMANDS)
    for name, (_, text) in COMMANDS.items():
        assert any(line.split()[0] == name and line.endswith(text) for line in listed if line.strip())
    assert done.stderr == ""


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
    assert GROUPS == ["server", "wallet", "psbt", "oldescrow", "case", "export", "devnet"]


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
        assert [line for line in lines if len(line) > 80] == [], name
