"""The command `causeway`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from causeway.db.migrate import upgrade
from causeway.ops.logs import configure_logs
from causeway.serving import database_url, serve
from causeway.settings import load_settings
from rein import __version__
from rein.btc.networks import NETWORKS
from rein.errors import ReinError

INTERRUPTED = 130


def main() -> None:
    """The entry point: one sentence on stderr for whatever goes wrong, and the exit code of its class."""
    configure_logs()
    try:
        cli.main(prog_name="causeway", standalone_mode=False)
    except ReinError as error:
        click.echo(f"causeway: {error.message}", err=True)
        if error.hint:
            click.echo(error.hint, err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)


def _database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--database-url", metavar="URL", help="PostgreSQL to use [DATABASE_URL]; its own if not given."),
        click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Data directory [CAUSEWAY_DATA]."),
    ):
        command = option(command)
    return command


@click.group()
@click.version_option(__version__)
def cli() -> None:
    """The server of Rein: keeps signed documents for people who have never met."""


@cli.command("serve")
@click.option("--host", metavar="ADDRESS", help="Address to listen on [CAUSEWAY_HOST]; 127.0.0.1 if not given.")
@click.option("--port", type=int, metavar="N", help="Port [CAUSEWAY_PORT]; 2016 if not given, 0 for any free one.")
@_database_options
@click.option("--network", metavar="NAME", help=f"Bitcoin network, one of {', '.join(NETWORKS)} [CAUSEWAY_NETWORK].")
@click.option("--workers", type=int, metavar="N", help="Processes that answer [CAUSEWAY_WORKERS].")
@click.option("--threads", type=int, metavar="N", help="Threads in each of them [CAUSEWAY_THREADS].")
def serve_command(**flags: Any) -> None:
    """Answer requests until it is told to stop (Ctrl-C, SIGTERM)."""
    serve(load_settings(os.environ, **flags))


@cli.group("db")
def db_group() -> None:
    """The database."""


@db_group.command("upgrade")
@_database_options
def upgrade_command(**flags: Any) -> None:
    """Bring the database to the tables of this version. `serve` does it too."""
    with database_url(load_settings(os.environ, **flags)) as url:
        upgrade(url)
    click.echo("the database is up to date")
