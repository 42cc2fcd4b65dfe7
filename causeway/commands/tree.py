"""All commands of `causeway`."""

from __future__ import annotations

import os
from typing import Any

import click

from causeway.commands.data import delete_command, export_command, import_command, stats_command
from causeway.commands.doctor import doctor_command
from causeway.commands.options import DATABASE, HELP, setting_options
from causeway.commands.replicate import replicate_command
from causeway.commands.sweep import sweep_command
from causeway.commands.watch import watch_command
from causeway.db.migrate import upgrade
from causeway.serving import database_url, serve
from causeway.settings import load_settings
from rein import __version__

_database_options = setting_options(*DATABASE)


@click.group(context_settings=HELP)
@click.version_option(__version__)
def tree() -> None:
    """The server of Rein: keeps signed documents for people who have never met."""


@tree.command("serve", context_settings=HELP)
@setting_options()
def serve_command(**flags: Any) -> None:
    """Run the server.

    It answers requests until Ctrl-C or SIGTERM.

    Example: causeway serve --config /etc/causeway.toml
    """
    serve(load_settings(os.environ, **flags))


@tree.group("db", context_settings=HELP)
def db_group() -> None:
    """Look after the database."""


@db_group.command("upgrade", context_settings=HELP)
@_database_options
def upgrade_command(**flags: Any) -> None:
    """Upgrade the tables to this version.

    `causeway serve` does it, too.

    Example: causeway db upgrade --config /etc/causeway.toml
    """
    with database_url(load_settings(os.environ, **flags)) as url:
        upgrade(url)
    click.echo("the database is up to date")


for _command in (stats_command, export_command, import_command, delete_command, doctor_command):
    tree.add_command(_command)


tree.add_command(sweep_command)
tree.add_command(watch_command)
tree.add_command(replicate_command)
