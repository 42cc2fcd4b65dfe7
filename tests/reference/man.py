"""docs/man/*.1, generated from the command trees: what `man rein` and `man causeway` show."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from rein.cli.commands import ALIASES, SECTIONS
from rein.cli.toolkit.options import GLOBAL_NAMES, declared_globals
from rein.cli.tree import tree as rein_tree
from tests.reference.commands import leaves

FOLDER = Path(__file__).parents[2] / "docs" / "man"


def pages() -> dict[str, str]:
    """Every page by its file's name."""
    return {"rein.1": _rein(), "causeway.1": _causeway()}


def _rein() -> str:
    about = "hire and get hired for bitcoin, with signed documents, multisig escrow and servers nobody has to trust"
    lines = [*_head("rein", about, rein_tree), ".SH GLOBAL OPTIONS", "Before or after a command's name."]
    for option in declared_globals():
        lines += _option(option)
    for section in SECTIONS.values():
        lines.append(f".SH {_plain(section.title).upper()}")
        for name, command in leaves():
            if name.split()[0] in section.commands:
                lines += _command(f"rein {name}", command)
    lines += [".SH OTHER NAMES"]
    for words, target in ALIASES.items():
        lines += [".TP", f".B rein {_plain(words)}", f"The same as {_plain(f'rein {target}')}."]
    return "\n".join([*lines, *_foot("causeway")])


def _causeway() -> str:
    from causeway.commands.tree import tree

    lines = [*_head("causeway", "serve the documents of Rein", tree), ".SH COMMANDS"]
    for name, command in _leaves(tree, "causeway"):
        lines += _command(name, command)
    return "\n".join([*lines, *_foot("rein")])


def _leaves(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _leaves(command, f"{path} {name}")
        elif command is not None:
            yield f"{path} {name}", command


def _head(name: str, about: str, command: click.Command) -> list[str]:
    return [
        f'.TH {name.upper()} 1 "" "Rein" "User Commands"',
        ".SH NAME",
        f"{name} \\- {_plain(about)}",
        ".SH SYNOPSIS",
        f".B {name}",
        "[OPTIONS] COMMAND [ARGS]...",
        ".SH DESCRIPTION",
        *_prose(command),
    ]


def _foot(other: str) -> list[str]:
    return [".SH SEE ALSO", f".BR {other} (1)", ""]


def _command(path: str, command: click.Command) -> list[str]:
    usage = " ".join(command.collect_usage_pieces(click.Context(command, **command.context_settings)))
    lines = [f".SS {_plain(path)} {_plain(usage)}", *_prose(command)]
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in GLOBAL_NAMES and not option.hidden:
            lines += _option(option)
    return lines


def _option(option: click.Option) -> list[str]:
    record = option.get_help_record(click.Context(rein_tree))
    return [".TP", f".B {_plain(record[0])}", _plain(record[1]) or "."] if record else []


def _prose(command: click.Command) -> list[str]:
    """The help of a command; what stands in columns there stays in columns."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        is_columns = paragraph.startswith("\b\n")
        rows = paragraph.removeprefix("\b\n").split("\n")
        lines += [".PP", *([".nf"] if is_columns else []), *map(_plain, rows), *([".fi"] if is_columns else [])]
    return lines[1:]


def _plain(text: str) -> str:
    """Text that roff takes as text."""
    text = " ".join(text.split(" ")).replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return f"\\&{text}" if text.startswith((".", "'")) else text
