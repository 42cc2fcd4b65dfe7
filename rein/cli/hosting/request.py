"""`rein request URL`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.cli.toolkit.units import size
from rein.errors import RefusedError
from rein.workflows.hosting.request import SOLD, commit, prepare


@command("request", writes=True, documents=False)
@click.argument("url")
@click.option("--more", is_flag=True, help="Ask for another bucket, though you have room and time left there.")
def request(cli: Cli, url: str, more: bool) -> None:
    """Ask a causeway server for free microhosting, and register it.

    Whoever has hosting there already that does not run out soon gets no other one without --more.

    Example: rein request http://127.0.0.1:2016
    """
    try:
        result = commit(cli.session, prepare(cli.session, url), more=more)
    except RefusedError as error:
        if error.reason != SOLD:
            raise
        raise RefusedError(error.message, reason=SOLD, hint=f"Buy a bucket: rein buy {url}") from error
    hosting = result.hosting
    buckets = f"{hosting.buckets} {'bucket' if hosting.buckets == 1 else 'buckets'}"
    if result.granted:
        cli.terminal.say(f"{result.url} gives you {buckets}, {size(hosting.bytes_free)} free.")
    else:
        cli.terminal.say(f"You have {buckets} at {result.url} already, {size(hosting.bytes_free)} free.")
        cli.terminal.advise(f"Ask for another one: rein request --more {result.url}")
    cli.terminal.advise("Next: upload what you have written with `rein sync`.")
    cli.terminal.result(result.json())
