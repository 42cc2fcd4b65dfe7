"""`rein servers`"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from rein.cli.common import Cli, command
from rein.cli.console.remedies import MORE_HOSTING
from rein.cli.console.terminal import safe, safe_line
from rein.cli.toolkit.units import short_size
from rein.workflows.hosting.servers import forget as forget_server
from rein.workflows.hosting.servers import query_servers

if TYPE_CHECKING:
    from rein.workflows.hosting.servers import ServerState

_UNKNOWN = "?"


@command("servers")
@click.option("--balance", is_flag=True, help="Ask for your balance where hosting is sold; needs your keys.")
@click.option("--forget", metavar="URL", help="Use this server no more; what is there stays there.")
def servers(cli: Cli, balance: bool, forget: str | None) -> None:
    """List the servers you registered: price, what is left there, and how fast they answer.

    Example: rein servers --balance
    """
    terminal = cli.terminal
    if forget is not None:
        terminal.say(f"{forget_server(cli.session, forget)} is used no more.")
    found = query_servers(cli.session, balances=balance)
    states = found.states
    if states:
        middle = ["Balance sat"] if balance else []
        terminal.table(
            ("Server", "Price sat", *middle, "Space", "Transfer", "Until", "Ping", "Yours", "All"),
            [_row(state, with_balance=balance) for state in states],
        )
        terminal.detail("Space and Transfer: what is left. Yours and All: how many documents it holds.")
    else:
        terminal.advise("You have no servers yet; register one with `rein request URL`.")
    if not balance and any(state.status and state.status.price for state in states):
        terminal.note("Your balances there: add --balance")
    for state in states:
        terminal.detail(
            f"{state.row.url}  {state.row.bytes_free:,} bytes of space and {state.row.transfer_free:,} of transfer left"
        )
        if state.error is not None:
            terminal.note(safe(state.error.message))
        for warning in state.warnings:
            terminal.note(safe(f"{state.row.url}  {warning}"))
    if any(state.warnings for state in states):
        terminal.note(MORE_HOSTING)
    terminal.result(found.json())


def _row(state: ServerState, *, with_balance: bool) -> tuple[str, ...]:
    row, status = state.row, state.status
    price = _UNKNOWN if status is None else f"{status.price:,}" if status.price else "free"
    return (
        safe_line(row.url.removesuffix("/")),
        price,
        *([_UNKNOWN if state.balance is None else f"{state.balance:,}"] if with_balance else []),
        short_size(row.bytes_free),
        short_size(row.transfer_free) if row.asked else _UNKNOWN,
        _day(row.expires),
        f"{state.round_trip:,} ms" if state.round_trip is not None else _UNKNOWN,
        f"{state.held:,}",
        f"{status.documents:,}" if status else _UNKNOWN,
    )


def _day(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds)) if seconds else _UNKNOWN
    except (OverflowError, ValueError, OSError):  # a server says what it likes
        return _UNKNOWN
