"""`rein withdraw`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.workflows.jobs.withdraw import withdraw_document


@command("withdraw", writes=True, documents=False)
@click.option("--document", metavar="ID", required=True, help="The document's id, or its beginning.")
def withdraw(cli: Cli, document: str) -> None:
    """Take back a document of yours that was never sent to any server.

    Example: rein withdraw --document 3f9a2c
    """
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    terminal.confirm("Remove this document from your home?")
    signed = withdraw_document(session, document)
    terminal.say(f"Removed the {signed.document.TITLE} {signed.id}. Nobody has seen it.")
    terminal.result({"document_id": signed.id, "kind": signed.document.KIND.value, "withdrawn": True})
