"""`causeway replicate`: pull documents from peers."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import asdict, replace
from typing import Any

import click

from causeway.app import make_puller
from causeway.commands.options import HELP, json_option, named_database, setting_options
from causeway.db.leadership import Duty
from causeway.db.migrate import upgrade
from causeway.errors import SettingsError
from causeway.housekeeping import Job, run_repeatedly
from causeway.replication import progress
from causeway.replication.status import PeerStatus, peers_of
from causeway.serving import database_url
from causeway.settings import load_settings

DEFAULT_INTERVAL_S = 30


@click.command("replicate", context_settings=HELP)
@setting_options(
    *("database_url", "data", "network", "peers", "peers_proxy"),
    *("pull_interval_s", "pull_documents", "pull_mb", "replica_mb", "replica_signer_mb"),
)
@click.option("--once", is_flag=True, help="Ask every peer that is due once, say how it stands, and end.")
@click.option("--from-start", is_flag=True, help="Read every feed from its start again, and wait for nobody.")
@json_option
def replicate_command(once: bool, from_start: bool, as_json: bool, **flags: Any) -> None:
    """Pull documents from peers.

    It runs until Ctrl-C or SIGTERM. `causeway serve` does the same where it has --peers. Any number may run: one
    pulls, the others wait.
    With --from-start the command line must say in which database: by --data, --database-url or --config.

    Example: causeway replicate --once --peers https://causeway.example
    """
    settings = named_database(flags) if from_start else load_settings(os.environ, **flags)
    if not settings.peers:
        raise SettingsError("there are no peers to pull from", hint="Give --peers https://causeway.example,...")
    with database_url(settings) as url:
        upgrade(url)
        settings = replace(settings, database_url=url.render_as_string(hide_password=False))
        puller, database = make_puller(settings)
        if from_start:
            progress.forget(database)
        if once:
            taken = puller.pull()
            _report(taken, peers_of(database, settings), as_json=as_json)
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        click.echo("causeway pulls from its peers", err=True)
        run_repeatedly(Job(Duty.PULL, settings.pull_interval_s or DEFAULT_INTERVAL_S, puller.pull), settings, stop)


def _report(taken: int, peers: list[PeerStatus], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"taken": taken, "peers": [asdict(each) for each in peers]}))
        return
    for each in peers:
        why = f" ({each.why})" if each.why else ""
        click.echo(f"{each.url}  {each.state}{why}  {each.behind} behind, {each.refused} refused in all")
    click.echo(f"{taken} documents taken")
