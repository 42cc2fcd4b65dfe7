"""`rein withdraw`"""

from __future__ import annotations

from typing import Any

import click

from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe_line
from rein.errors import InputError, NotFoundError
from rein.protocol.signed import Signed
from rein.workflows.jobs.withdraw import commit, prepare, withdrawable

_SHOWN = 12
"""Letters of an id in a list."""


@command("withdraw", writes=True, documents=False)
@click.option("--document", metavar="ID", help="The document's id, or its beginning. [asked for]")
def withdraw(cli: Cli, document: str | None) -> None:
    """Take back a document of yours that was never sent to any server.

    Without --document, those that can be taken back are listed.

    Example: rein withdraw --document 3f9a2c
    """
    session, terminal = cli.session, cli.terminal
    signed = prepare(session, document) if document is not None else _choose(cli)
    terminal.confirm(f"Remove this document from your home: {_line(signed)}?")
    result = commit(session, signed)
    terminal.say(f"Removed the {signed.document.TITLE} {signed.id}. Nobody has seen it.")
    terminal.result(result.json())


def _choose(cli: Cli) -> Signed[Any]:
    """The document a person picks.

    :raises NotFoundError: there is none.
    :raises InputError: nobody is there to pick.
    """
    found = withdrawable(cli.session)
    if not found:
        raise NotFoundError("nothing of yours can be withdrawn: every document was sent to a server")
    if not cli.terminal.interactive:
        ids = ", ".join(each.id[:_SHOWN] for each in found)
        raise InputError("no document was named", hint=f"Name one of them with --document: {ids}")
    names = [[each.id, each.document.TITLE] for each in found]
    return found[cli.terminal.choose("document", [_line(each) for each in found], "--document", names)]


def _line(signed: Signed[Any]) -> str:
    name = getattr(signed.document, "job_name", None) or getattr(signed.document, "name", None) or ""
    job_id = getattr(signed.document, "job_id", None)
    about = f" of {safe_line(name, 40)} ({job_id})" if job_id else ""
    return f"{signed.id[:_SHOWN]} {signed.document.TITLE}{about}"
