"""`rein unlock` and `rein lock`"""

from __future__ import annotations

import re
from functools import partial

import click

from rein.btc.networks import NETWORKS
from rein.cli.common import Cli, command
from rein.errors import InputError
from rein.identity.keyfile import read_key_file
from rein.identity.unlocked import MAX_SECONDS
from rein.identity.unlocked import lock as forget
from rein.identity.unlocked import unlock as keep

_TIME = re.compile(r"([1-9][0-9]{0,5})([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@command("unlock")
@click.option("--for", "time", default="15m", show_default=True, metavar="TIME", help="Such as 90s, 15m or 2h.")
def unlock(cli: Cli, time: str) -> None:
    """Open your key file for a while, so that no command asks for the passphrase.

    The words are held in the memory of a process of yours, and nowhere else. Example: rein unlock --for 15m
    """
    home, row = cli.settings.home, cli.session.identity
    seconds = _seconds(time)
    words = cli.opened(row.name, partial(read_key_file, home / row.key_file))
    keep(home, row.key_file, words, seconds)
    cli.terminal.advise(f"{row.name} is unlocked for {time}. End it sooner with `rein lock`.")
    cli.terminal.result({"name": row.name, "unlocked": True, "seconds": seconds})


@command("lock")
def lock(cli: Cli) -> None:
    """Forget what `rein unlock` has opened, for every identity of this home.

    Example: rein lock
    """
    home, store = cli.settings.home, cli.session.store
    rows = [row for network in NETWORKS for row in store.identities.of_network(network)]
    locked = [row.name for row in rows if forget(home, row.key_file)]
    cli.terminal.say(f"Locked: {', '.join(locked)}." if locked else "Nothing was unlocked.")
    cli.terminal.result({"locked": locked})


def _seconds(text: str) -> int:
    match = _TIME.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= MAX_SECONDS:
        raise InputError(f"{text[:20]!r} is no time up to {MAX_SECONDS // 3600}h", hint="Write 90s, 15m or 2h.")
    return seconds
