"""`rein sync`"""

from __future__ import annotations

from rein.cli.common import Cli, command
from rein.cli.terminal import safe
from rein.errors import RemoteError

_SHOWN = 10
"""Refused documents that are told one by one: a hostile server may send any number."""


@command("sync")
def sync(cli: Cli) -> None:
    """Upload what you wrote to every server you registered, prove that it is there, and fetch what is new.

    Example: rein sync
    """
    from rein.workflows.sync import sync as run_sync

    report = run_sync(cli.desk)
    terminal = cli.terminal
    for server in report.servers:
        line = f"{server.url}  {server.uploaded} uploaded, holds {server.held} of your {report.documents} documents"
        terminal.say(safe(f"{line}; {server.error.message}" if server.error else line))
    terminal.say(f"{report.pulled.new} new documents fetched.")
    refused = report.pulled.refused
    for url, reason in refused[:_SHOWN]:
        terminal.note(safe(f"Refused a document from {url}: {reason.message}"))
    if len(refused) > _SHOWN:
        terminal.note(f"Refused {len(refused) - _SHOWN:,} more documents.")
    told = {server.error.message for server in report.servers if server.error}
    for message in dict.fromkeys(failure.message for failure in report.pulled.unreachable):
        if message not in told:
            terminal.note(safe(message))
    if report.chain_error is not None:
        terminal.note(safe(f"The chain was not looked at: {report.chain_error.message}"))
    terminal.result(
        {
            "documents": report.documents,
            "servers": [
                {
                    "url": server.url,
                    "uploaded": server.uploaded,
                    "held": server.held,
                    "error": server.error.message if server.error else None,
                }
                for server in report.servers
            ],
            "fetched": report.pulled.new,
            "refused": [{"url": url, "code": reason.code, "message": reason.message} for url, reason in refused],
            "chain_error": report.chain_error.message if report.chain_error else None,
        }
    )
    if all(server.error is not None for server in report.servers):
        raise RemoteError("no server took your documents", hint="Try again later, or add another server.")
