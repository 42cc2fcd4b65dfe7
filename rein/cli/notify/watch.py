"""`rein watch`"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe, safe_line
from rein.cli.toolkit.listing import tags
from rein.errors import InputError, RemoteError
from rein.workflows.identity.file_lock import only_one
from rein.workflows.notify.events import EventType, Wanted
from rein.workflows.notify.hooks import Command, Desktop, Hook, Printing, Webhook
from rein.workflows.notify.watch import Watch, watch_round

_LEAST_SECONDS = 5


@command("watch", waits=True)
@click.option(
    "--on",
    multiple=True,
    type=click.Choice([each.value for each in EventType]),
    metavar="EVENT",
    help=f"Only these events: {', '.join(EventType)}.",
)
@click.option("--tag", multiple=True, metavar="TAG", help="Only new jobs with one of these tags.")
@click.option("--match", default="", metavar="WORDS", help="Only new jobs with these words.")
@click.option("--exec", "program", metavar="CMD", help="Run this for each event, JSON on stdin, no shell.")
@click.option("--webhook", metavar="URL", help="POST each event there, as JSON.")
@click.option("--notify", is_flag=True, help="Show each event on the desktop.")
@click.option("--every", type=int, default=60, metavar="SECONDS", help="How often to look. [60]")
@click.option("--once", is_flag=True, help="Look once, and end.")
def watch(
    cli: Cli,
    on: tuple[str, ...],
    tag: tuple[str, ...],
    match: str,
    program: str | None,
    webhook: str | None,
    notify: bool,
    every: int,
    once: bool,
) -> None:
    """Get notified of new jobs and of what others do in yours: of each event once, also after a restart.

    Example: rein watch --on bid --on message --exec "/usr/local/bin/tell-me"
    """
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    if every < _LEAST_SECONDS:
        raise InputError(f"--every: at least {_LEAST_SECONDS} seconds, for the servers are other people's")
    seen: list[dict[str, Any]] = []

    def show(event: Mapping[str, Any]) -> None:
        terminal.say(f"{event['type']:11}  {event['job_id']}  {safe_line(str(event['job_name']), 50)}")
        if once:
            seen.append(dict(event))
        else:
            terminal.stream(dict(event))

    hooks: list[Hook] = [Printing(show)]
    hooks += [Command(program)] if program else []
    hooks += [Webhook(webhook, session.proxy)] if webhook else []
    hooks += [Desktop()] if notify else []
    watching = Watch(hooks, frozenset(map(EventType, on)), Wanted(tags(tag), match))
    with only_one(session.home / "watch.lock", "another rein watch runs in this home"):
        reported: list[str] = []
        while True:
            result = watch_round(session, watching, int(time.time()))
            for failure in result.failures:
                if failure not in reported:  # what fails all night is reported once
                    terminal.note(safe(failure))
            reported = result.failures
            if once:
                break
            time.sleep(every)
    terminal.result({"events": seen, "waiting": result.waiting})
    if result.waiting:
        raise RemoteError("not every hook could be notified", hint="The next rein watch tries again.")
