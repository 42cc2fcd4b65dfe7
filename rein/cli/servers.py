"""`rein servers`"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rein.cli.common import Cli, command
from rein.cli.terminal import safe, safe_line

if TYPE_CHECKING:
    from rein.workflows.host import ServerState

_UNKNOWN = "?"


@command("servers")
def servers(cli: Cli) -> None:
    """See the servers you registered: what they cost, what is left there, and how fast they answer.

    Example: rein servers
    """
    from rein.workflows.host import look_at_servers, warnings_of

    terminal = cli.terminal
    states = look_at_servers(cli.desk)
    now = int(time.time())
    if states:
        terminal.table(
            ("Server", "Price", "Bytes left", "Transfer left", "Expires", "Round trip", "Holds"),
            [_row(state) for state in states],
        )
    else:
        terminal.say("You have no servers yet; register one with `rein request URL`.")
    for state in states:
        if state.error is not None:
            terminal.note(safe(state.error.message))
        for warning in warnings_of(state.row, now):
            terminal.note(safe(f"{state.row.url}  {warning}"))
    terminal.result({"servers": [_described(state, warnings_of(state.row, now)) for state in states]})


def _row(state: ServerState) -> tuple[str, ...]:
    row, status = state.row, state.status
    price = _UNKNOWN if status is None else f"{status.price:,} sat" if status.price else "free"
    return (
        safe_line(row.url),
        price,
        f"{row.bytes_free:,}",
        f"{row.transfer_free:,}" if row.asked else _UNKNOWN,
        _day(row.expires),
        f"{state.round_trip} ms" if state.round_trip is not None else _UNKNOWN,
        f"{state.held} of yours" + (f", {status.documents:,} in all" if status else ""),
    )


def _described(state: ServerState, warnings: list[str]) -> dict[str, Any]:
    row, status = state.row, state.status
    return {
        "url": row.url,
        "price_sat": status.price if status else None,
        "buckets": row.buckets,
        "bytes_free": row.bytes_free,
        "transfer_free": row.transfer_free,
        "expires": row.expires or None,
        "round_trip_ms": state.round_trip,
        "holds": state.held,
        "documents": status.documents if status else None,
        "warnings": warnings,
        "error": state.error.message if state.error else None,
    }


def _day(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds)) if seconds else _UNKNOWN
    except (OverflowError, ValueError, OSError):  # a server says what it likes
        return _UNKNOWN
