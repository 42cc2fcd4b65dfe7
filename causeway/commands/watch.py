"""`causeway watch`: deposits on the chain become balances and buckets."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from types import FrameType
from typing import Any

import click

from causeway.app import make_watcher
from causeway.commands.options import HELP, named_database, setting_options
from causeway.db.leadership import Duty
from causeway.db.migrate import upgrade
from causeway.housekeeping import Job, run_repeatedly
from causeway.serving import database_url
from causeway.settings import load_settings


@click.command("watch", context_settings=HELP)
@setting_options(
    *("database_url", "data", "network", "price_sat", "payment_descriptor", "confirmations"),
    *("chain_url", "chain_cookie", "watch_interval_s"),
)
@click.option("--once", is_flag=True, help="Update once, and end.")
@click.option("--rescan", is_flag=True, help="Scan the unspent outputs once instead of reading blocks, and end.")
def watch_command(once: bool, rescan: bool, **flags: Any) -> None:
    """Watch the chain for deposits.

    It runs until Ctrl-C or SIGTERM.

    `causeway serve` does the same where it has --chain-url. Any number may run: one watches, the others wait.

    --rescan is for a node that has pruned the blocks since the last update: it takes minutes on mainnet, and does not
    find what was paid and spent again meanwhile. So the command line must say in which database: by --data,
    --database-url or --config.

    Example: causeway watch --once --config /etc/causeway.toml
    """
    if once and rescan:
        raise click.UsageError("--once reads blocks and --rescan does instead of it: give one of them.")
    settings = named_database(flags) if rescan else load_settings(os.environ, **flags)
    stop = threading.Event()
    if not (once or rescan):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _setting(stop))
    with database_url(settings) as url:
        upgrade(url)
        settings = replace(settings, database_url=url.render_as_string(hide_password=False))
        watcher = make_watcher(settings)
        if once or rescan:
            _report(watcher.rescan() if rescan else watcher.update())
            return
        click.echo("causeway watches the chain", err=True)
        run_repeatedly(Job(Duty.WATCH, settings.watch_interval_s, watcher.update), settings, stop, _report)


def _setting(event: threading.Event) -> Any:
    def handler(_number: int, _frame: FrameType | None) -> None:
        event.set()

    return handler


def _report(changed: object) -> None:
    if changed:
        click.echo(f"{changed} payments have changed")
