"""`rein request URL`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.cli.toolkit.units import size


@command("request", writes=True, documents=False)
@click.argument("url")
def request(cli: Cli, url: str) -> None:
    """Ask a causeway server for free microhosting, and remember it.

    Example: rein request http://127.0.0.1:2016
    """
    from rein.workflows.hosting.servers import request_hosting

    normal, hosting = request_hosting(cli.session, url)
    buckets = "bucket" if hosting.buckets == 1 else "buckets"
    cli.terminal.say(f"{normal} gives you {hosting.buckets} {buckets}, {size(hosting.bytes_free)} free.")
    cli.terminal.advise("Next: upload what you have written with `rein sync`.")
    cli.terminal.result({"url": normal, "buckets": hosting.buckets, "bytes_free": hosting.bytes_free})
