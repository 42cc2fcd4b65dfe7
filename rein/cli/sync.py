"""`rein sync`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rein.cli.common import Cli, command
from rein.cli.terminal import safe
from rein.errors import ReinError, RemoteError

if TYPE_CHECKING:
    from rein.workflows.sync import ServerReport, SyncReport

_SHOWN = 10
"""Refused documents that are told one by one: a hostile server may send any number."""


@command("sync")
@click.option("--full", is_flag=True, help="Read everything from the beginning, and ask back every document.")
def sync(cli: Cli, full: bool) -> None:
    """Upload what you wrote to every server you registered, prove that it is there, and fetch what is new.

    Example: rein sync
    """
    from rein.workflows.sync import sync as run_sync

    terminal = cli.terminal
    with terminal.progress("Reading") as progress:
        report = run_sync(cli.desk, progress.of, everything=full)
    for server in report.servers:
        terminal.say(safe(_line(server, report)))
        for remark in (*server.told.notes, *server.warnings):
            terminal.note(safe(f"{server.url}  {remark}"))
        for reason in server.told.refused[:_SHOWN]:
            terminal.note(safe(f"Refused a document from {server.url}: {reason.message}"))
        if len(server.told.refused) > _SHOWN:
            terminal.note(f"Refused {len(server.told.refused) - _SHOWN:,} more documents.")
    terminal.say(f"{report.new} new documents fetched.")
    if report.safe < report.documents:
        unsafe = report.documents - report.safe
        terminal.note(f"{unsafe} of your {report.documents} documents are at fewer than {report.copies} servers.")
    if report.chain_error is not None:
        terminal.note(safe(f"The chain was not looked at: {report.chain_error.message}"))
    terminal.result(_result(report))
    if all(server.error is not None for server in report.servers):
        raise RemoteError("no server took your documents", hint="Try again later, or add another server.")


def _line(server: ServerReport, report: SyncReport) -> str:
    line = (
        f"{server.url}  {server.uploaded} uploaded, holds {server.held} of your {report.documents} documents "
        f"({server.checked} read back), shows {server.told.shown} of {report.known}, {server.told.new} new"
    )
    lost = f", had lost {server.lost}" if server.lost else ""
    error = server.error or server.told.error
    return line + lost + (f"; {error.message}" if error else "")


def _result(report: SyncReport) -> dict[str, Any]:
    return {
        "documents": report.documents,
        "safe": report.safe,
        "copies": report.copies,
        "known": report.known,
        "servers": [
            {
                "url": server.url,
                "uploaded": server.uploaded,
                "held": server.held,
                "read_back": server.checked,
                "lost": server.lost,
                "fetched": server.told.new,
                "shown": server.told.shown,
                "notes": server.told.notes,
                "warnings": server.warnings,
                "error": error.message if error else None,
                "code": _code(error),
            }
            for server in report.servers
            for error in (server.error or server.told.error,)
        ],
        "fetched": report.new,
        "refused": [
            {"url": server.url, "code": reason.code, "message": reason.message}
            for server in report.servers
            for reason in server.told.refused
        ],
        "chain_error": report.chain_error.message if report.chain_error else None,
    }


def _code(error: ReinError | None) -> str | None:
    """The server's own code where it gave one: `storage_exhausted` says more than that it refused."""
    return getattr(error, "reason", "") or error.code if error else None
