"""`rein unlock` and `rein lock`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.workflows.identity.unlock import lock as close
from rein.workflows.identity.unlock import read_time
from rein.workflows.identity.unlock import unlock as hold_open


@command("unlock")
@click.option("--for", "time", default="15m", show_default=True, metavar="TIME", help="Such as 90s, 15m or 2h.")
def unlock(cli: Cli, time: str) -> None:
    """Open your key file for a while, so that no command asks for the passphrase.

    The keys are held in the memory of a process of yours, and nowhere else.

    Example: rein unlock --for 15m
    """
    result = hold_open(cli.session, read_time(time), cli.opened)
    cli.terminal.advise(f"{result.name} is unlocked for {time}. End it sooner with `rein lock`.")
    cli.terminal.result(result.json())


@command("lock")
def lock(cli: Cli) -> None:
    """Forget what `rein unlock` has opened, for every identity of this home.

    Example: rein lock
    """
    result = close(cli.session)
    cli.terminal.say(f"Locked: {', '.join(result.names)}." if result.names else "Nothing was unlocked.")
    cli.terminal.result(result.json())
