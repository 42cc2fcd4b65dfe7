"""`rein server`: the commands of hosting under one name."""

from __future__ import annotations

import click

from rein.cli.common import alone
from rein.cli.hosting.buy import buy
from rein.cli.hosting.request import request
from rein.cli.hosting.servers import servers


@click.group("server", cls=alone("list"))
def server() -> None:
    """Servers and hosting: `rein request`, `rein buy` and `rein servers` under one name (alone: list).

    Example: rein server request https://causeway.example
    """


server.add_command(request)
server.add_command(buy)
server.add_command(servers, "list")
