"""`rein hide` and `rein unhide`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe_line
from rein.errors import InputError
from rein.store.tables.hidden import Hidden, Hideable
from rein.workflows.market import hide as workflow
from rein.workflows.market.hide import everything_hidden

_KINDS = click.Choice([kind.value for kind in Hideable])


@command("hide")
@click.argument("kind", type=_KINDS, required=False)
@click.argument("name", required=False)
def hide(cli: Cli, kind: str | None, name: str | None) -> None:
    """Hide a job, a bid or a person (and what they post and bid) from your lists; alone: see what is hidden. Only
    this machine knows.

    Example: rein hide person Mallory
    """
    session, terminal = cli.session, cli.terminal
    if kind is None:
        result = everything_hidden(session)
        for each in result.hidden:
            terminal.say(_line(each))
        if not result.hidden:
            terminal.say("Nothing is hidden.")
    else:
        result = workflow.hide(session, Hideable(kind), _needed(name))
        for each in result.changed:
            again = terminal.here(f"Show it again: rein unhide {each.kind.value} {each.name}")
            terminal.say(f"Hidden: {_line(each)}. {again}")
    terminal.result(result.json())


@command("unhide")
@click.argument("kind", type=_KINDS)
@click.argument("name")
def unhide(cli: Cli, kind: str, name: str) -> None:
    """Show something again that you have hidden.

    Example: rein unhide person Mallory
    """
    result = workflow.unhide(cli.session, Hideable(kind), name)
    for each in result.changed:
        cli.terminal.say(f"Shown again: {_line(each)}")
    cli.terminal.result(result.json())


def _needed(name: str | None) -> str:
    if name is None:
        raise InputError("what to hide is missing", hint="Such as: rein hide job n0qlna45dgynluhtl0gf")
    return name


def _line(hidden: Hidden) -> str:
    return f"{hidden.kind.value} {safe_line(hidden.label, 60)} ({hidden.name})"
