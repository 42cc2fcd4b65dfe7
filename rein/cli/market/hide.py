"""`rein hide` and `rein unhide`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.cli.toolkit.terminal import safe_line
from rein.errors import InputError, NotFoundError
from rein.store.hidden import Hidden, Hideable
from rein.workflows.market.hide import find_hidden, find_to_hide

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
    network = session.network.name
    if kind is not None:
        hidden = find_to_hide(session, Hideable(kind), _needed(name))
        session.store.hidden.add(network, hidden)
        again = terminal.here(f"Show it again: rein unhide {hidden.kind.value} {hidden.name}")
        terminal.say(f"Hidden: {_line(hidden)}. {again}")
    everything = session.store.hidden.of_network(network)
    if kind is None:
        for each in everything:
            terminal.say(_line(each))
        if not everything:
            terminal.say("Nothing is hidden.")
    terminal.result({"hidden": [_data(each) for each in everything]})


@command("unhide")
@click.argument("kind", type=_KINDS)
@click.argument("name")
def unhide(cli: Cli, kind: str, name: str) -> None:
    """Show something again that you have hidden.

    Example: rein unhide person Mallory
    """
    session, terminal = cli.session, cli.terminal
    found = find_hidden(session, Hideable(kind), name)
    if not found:
        raise NotFoundError(f"no {kind} {name!r} is hidden", hint="See what is: rein hide")
    for each in found:
        session.store.hidden.remove(session.network.name, each)
        terminal.say(f"Shown again: {_line(each)}")
    terminal.result({"hidden": [_data(each) for each in session.store.hidden.of_network(session.network.name)]})


def _needed(name: str | None) -> str:
    if name is None:
        raise InputError("what to hide is missing", hint="Such as: rein hide job n0qlna45dgynluhtl0gf")
    return name


def _line(hidden: Hidden) -> str:
    return f"{hidden.kind.value} {safe_line(hidden.label, 60)} ({hidden.name})"


def _data(hidden: Hidden) -> dict[str, str]:
    return {"kind": hidden.kind.value, "name": hidden.name, "label": hidden.label}
