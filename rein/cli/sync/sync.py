"""`rein sync`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rein.cli.common import Cli, command
from rein.cli.console.advice import advice
from rein.cli.console.remedies import MORE_HOSTING
from rein.cli.console.terminal import Terminal, safe
from rein.errors import ReinError, RemoteError
from rein.workflows.hosting.unpublished import in_words
from rein.workflows.sync.sync import sync as run_sync

if TYPE_CHECKING:
    from rein.workflows.sync.availability import Discrepancy
    from rein.workflows.sync.report import ServerReport, SyncReport

_SHOWINGS = {
    "lacking": "does not have,",
    "removed": "has removed,",
    "gone": "does not show any more what it showed before,",
    "altered": "gives another text than is here,",
}
_SUSPICIOUS = frozenset({"gone", "altered"})

_NO_SPACE = "storage_exhausted"

_SHOWN = 10
"""Refused documents that are listed one by one: a hostile server may send any number."""


@command("sync")
@click.option("--full", is_flag=True, help="Read everything from the beginning, and ask back every document.")
def sync(cli: Cli, full: bool) -> None:
    """Upload what you wrote to every server you registered, prove that it is there, and fetch what is new.

    What others wrote in your jobs is put into your hosting, too, as far as there is room: nobody can take it away then.

    Example: rein sync
    """
    terminal = cli.terminal
    with terminal.progress("Reading") as progress:
        report = run_sync(cli.session, progress.of, everything=full)
    for server in report.servers:
        terminal.say(safe(_line(server, report)))
        if server.error is None:
            terminal.detail(f"{server.url}  {server.checked:,} of your documents were read back now")
        for remark in (*server.feed.notes, *server.warnings):
            terminal.note(safe(f"{server.url}  {remark}"))
        for reason in server.feed.refused[:_SHOWN]:
            terminal.note(safe(f"Refused a document from {server.url}: {reason.message}"))
        if len(server.feed.refused) > _SHOWN:
            terminal.note(f"Refused {len(server.feed.refused) - _SHOWN:,} more documents.")
    if any(server.warnings for server in report.servers):
        terminal.note(MORE_HOSTING)
    _say_differences(terminal, report)
    terminal.say(f"{report.new:,} new {'document' if report.new == 1 else 'documents'} fetched.")
    if report.safe < report.documents:
        _say_unsafe(terminal, report)
    if report.chain_error is not None:
        hint = terminal.here(report.chain_error.hint or advice(report.chain_error))
        terminal.note(safe(f"The chain was not read: {report.chain_error.message}; {hint}"))
    terminal.result(report.json())
    refusal = _refusal(report)
    if refusal is not None:
        raise refusal


def _line(server: ServerReport, report: SyncReport) -> str:
    error = server.error or server.feed.error
    said = _without_url(error.message, server.url) if error else ""
    mine = f"{server.held:,} of your {report.documents:,} documents"
    if server.error is not None and not (server.uploaded or server.checked or server.feed.new):
        return f"{server.url}  {said}" + (f"; it held {mine} when last asked" if server.held else "")
    line = f"{server.url}  {server.uploaded:,} uploaded, {server.feed.new:,} new, holds {mine}"
    if report.others:
        line += f" and {server.kept:,} of {report.others:,} of others in your jobs"
    lost = f", had lost {server.lost:,}" if server.lost else ""
    # What was uploaded is in the part of the feed that the next sync reads.
    shown = min(server.feed.shown + server.uploaded, report.known)
    return f"{line}{lost}, shows {shown:,} of {report.known:,}" + (f"; {said}" if said else "")


def _without_url(message: str, url: str) -> str:
    """What is wrong with a server, on a line that begins with its address."""
    return message.removeprefix(url).lstrip()


def _say_unsafe(terminal: Terminal, report: SyncReport) -> None:
    unsafe = report.documents - report.safe
    servers = "server" if report.copies == 1 else "servers"
    same = [server for server in report.servers if server.same_as]
    hint = "Sync again when the servers above answer, or register another: rein request URL"
    if report.distinct_servers < report.copies and same:
        hint = (
            f"Syncing again will not help: register another server with `rein request URL`, and remove "
            f"the second address of {same[0].same_as} with `rein servers --forget {same[0].url}`."
        )
    elif report.distinct_servers < report.copies:
        hint = "Register another: rein request URL"
    elif any(map(_is_full, report.servers)):
        full = next(server.url for server in report.servers if _is_full(server))
        hint = f"Make room at {full} with `rein buy {full}`, or register another server with `rein request URL`."
    elif all(server.error is None for server in report.servers):
        hint = "Sync again: rein sync"
    terminal.note(
        f"{unsafe:,} of your {report.documents:,} documents {'is' if unsafe == 1 else 'are'} at fewer than "
        f"{report.copies:,} {servers}. {hint}"
    )


def _is_full(server: ServerReport) -> bool:
    """Whether a server did not take everything for want of space."""
    return getattr(server.error, "reason", "") == _NO_SPACE


def _refusal(report: SyncReport) -> ReinError | None:
    """Why a sync did not do what it is for: no server answered, or those that did hold none of some documents."""
    if all(server.error is not None and not server.answered for server in report.servers):
        return RemoteError("no server could be used", hint="Try again later, or register another: rein request URL")
    if not report.unpublished or any(server.error is None for server in report.servers):
        return None
    count = len(report.unpublished)
    message = f"{count:,} of your {report.documents:,} documents {'is' if count == 1 else 'are'} at no server: "
    full = next((server.url for server in report.servers if _is_full(server)), None)
    hint = f"Buy space there: rein buy {full}; or register another server: rein request URL" if full else None
    why = f", and {full} has no room for them" if full else ""
    return RemoteError(message + in_words(report.unpublished) + why, hint=hint)


def _say_differences(terminal: Terminal, report: SyncReport) -> None:
    """What servers show otherwise than before, or otherwise than it is; what they never had only with `-v`."""
    suspicious = False
    jobs: list[str] = []
    for server in report.servers:
        for (job_id, showing), found in _by_job(server.differences).items():
            words = ", ".join(f"{each.kind} {each.document_id[:12]}" for each in found)
            of = f"in your job {job_id}" if job_id else "of people in your jobs"
            line = safe(f"{server.url}  {_SHOWINGS[showing]} {of}: {words}")
            if showing in _SUSPICIOUS:
                terminal.note(line)
                suspicious = True
                jobs += [job_id] if job_id else []
            else:
                terminal.detail(line)
    if suspicious:
        who = f" Who shows what: rein status --jobid {jobs[0]} --documents" if jobs else ""
        terminal.note(safe(f"What is known here counts for you all the same, but others may not see it.{who}"))


def _by_job(differences: Sequence[Discrepancy]) -> dict[tuple[str | None, str], list[Discrepancy]]:
    found: dict[tuple[str | None, str], list[Discrepancy]] = {}
    for each in differences:
        found.setdefault((each.job_id, each.showing.value), []).append(each)
    return found
