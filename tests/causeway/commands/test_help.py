"""`causeway --help`: every command is there, says what it does, and gives an example that it understands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from causeway.commands.tree import tree

PROMISED = {"serve", "db", "sweep", "watch", "stats", "export", "import", "delete", "doctor", "replicate"}


def leaves(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from leaves(each, *path, name)
    else:
        yield path, command


COMMANDS = dict(leaves(tree))


def test_every_promised_command_exists() -> None:
    assert set(tree.commands) == PROMISED


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_works(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    help_ = " ".join(command.get_help(click.Context(command, **command.context_settings)).split())
    (example,) = [line.strip() for line in (command.help or "").splitlines() if line.strip().startswith("Example: ")]
    assert example in help_.replace("  ", " ")
    words = shlex.split(example.removeprefix("Example: "))
    assert tuple(words[: len(path) + 1]) == ("causeway", *path)
    # Parsed in full: an option that is no more would be named.
    command.make_context(path[-1], words[len(path) + 1 :])


GROUPS = [(), ("db",)]


@pytest.mark.parametrize("path", [*GROUPS, *COMMANDS], ids=" ".join)
def test_help_has_a_short_option_everywhere(path: tuple[str, ...]) -> None:
    said = [CliRunner().invoke(tree, [*path, option]) for option in ("-h", "--help")]
    assert [each.exit_code for each in said] == [0, 0]
    assert said[0].output == said[1].output


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
def test_no_line_of_the_list_is_cut(path: tuple[str, ...]) -> None:
    listed = CliRunner().invoke(tree, [*path, "--help"], terminal_width=80).output.split("Commands:")[1]
    assert "..." not in listed
    assert all(line.endswith(".") for line in listed.strip().splitlines())
