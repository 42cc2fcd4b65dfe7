"""`rein config autosync on`: commands that show what is known fetch what is new first, and commands that wrote
something publish it. One line on stderr says so; a server that does not answer fails no command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rein.errors import ReinError
from rein.lazy import lazy

if TYPE_CHECKING:
    from rein.cli.common import Cli
    from rein.workflows.hosting import unpublished
    from rein.workflows.orders import feeds
    from rein.workflows.sync import sync as sync_workflow
else:
    unpublished = lazy("rein.workflows.hosting.unpublished")
    feeds = lazy("rein.workflows.orders.feeds")
    sync_workflow = lazy("rein.workflows.sync.sync")

_SHOW: Final = frozenset({"bids", "jobs", "mediators", "search", "status", "trust"})
"""Commands that show what this home knows. Whatever else needs news fetches it itself."""


@contextmanager
def autosync(cli: Cli, command: str, *, writes: bool) -> Iterator[None]:
    """Surround a command by what the setting asks for.

    :param writes: it may have written something that is to be published.
    """
    is_on = (writes or command in _SHOW) and cli.settings.autosync
    if is_on and command in _SHOW:
        _fetch(cli)
    yield
    if is_on and writes:
        _publish(cli)


def _fetch(cli: Cli) -> None:
    if cli.session.row is None:
        return
    reports = feeds.pull(cli.session)
    new, failed = sum(report.new for report in reports), [each.error for each in reports if each.error is not None]
    if failed:
        cli.terminal.note(f"Autosync: {new:,} new; not everything was fetched: {failed[0].message}")
    elif reports:
        cli.terminal.note(f"Autosync: {new:,} new {'document' if new == 1 else 'documents'} fetched.")


def _publish(cli: Cli) -> None:
    if cli.session.row is None or not (written := unpublished.unpublished(cli.session)):
        return
    try:
        report = sync_workflow.sync(cli.session, observe_chain=False)
    except ReinError as error:
        left, reason = written, error.message
    else:
        left = report.unpublished
        reason = next((each.error.message for each in report.servers if each.error is not None), "no server took it")
    if left:
        hint = cli.terminal.here("Publish it.")
        cli.terminal.note(f"Autosync: not published: {unpublished.in_words(left)}; {reason}. {hint}", vital=True)
    else:
        cli.terminal.note(f"Autosync: published {unpublished.in_words(written)}.")
