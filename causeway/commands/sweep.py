"""`causeway sweep`: clean up expired buckets."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import click

from causeway.app import make_sweeper
from causeway.commands.options import HELP, json_option, named_database, setting_options
from causeway.db.migrate import upgrade
from causeway.serving import database_url


@click.command("sweep", context_settings=HELP)
@setting_options("database_url", "data", "network", "smtp_url", "mail_from", "grace_days", "free_buckets")
@json_option
def sweep_command(as_json: bool, **flags: Any) -> None:
    """Clean up expired buckets, once.

    Values move to other buckets of their owner, owners are warned, and what nobody renewed is removed.

    `causeway serve` does the same every few minutes; running it more often does no harm. The command line must name
    the database: by --data, --database-url or --config.

    Example: causeway sweep --json --config /etc/causeway.toml
    """
    settings = named_database(flags)
    with database_url(settings) as url:
        upgrade(url)
        sweeper = make_sweeper(replace(settings, database_url=url.render_as_string(hide_password=False)))
        swept = sweeper.sweep(datetime.now(UTC))
    if as_json:
        click.echo(json.dumps(asdict(swept)))
        return
    click.echo(
        f"{swept.moved} values moved, {swept.mails} mails sent ({swept.mails_failed} put off), "
        f"{swept.removed} values and {swept.buckets} buckets removed"
    )
