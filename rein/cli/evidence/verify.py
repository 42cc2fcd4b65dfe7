"""`rein verify`"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe, safe_line
from rein.cli.toolkit.files import STDIN, read_given
from rein.errors import InputError
from rein.workflows.evidence.document_check import SignedTextError, check_document, read_document

if TYPE_CHECKING:
    from rein.protocol.signed import Signed

_LIMIT = 262_144
"""Bytes that are read: a document in whatever encoding, and what mail may have put around it."""


@command("verify")
@click.argument("source", metavar="FILE")
@click.option("--enrollment", "enrollments", multiple=True, metavar="FILE", help="Of the signer, if it is not here.")
def verify(cli: Cli, source: str, enrollments: tuple[str, ...]) -> None:
    """Verify a document's signature and its author's authority.

    The document may be of today or of 2016; - stands for standard input. What is here of enrollments and jobs is used;
    no server is asked, nothing is stored. The exit code is 0 only if the signature is right and nothing known here
    speaks against the document.

    Example: rein verify offer.txt
    """
    terminal = cli.terminal
    signed = _read(cli, source)
    given = [_read(cli, each, show=False) for each in enrollments]
    check = check_document(cli.session, signed, given)
    found = check.finding
    terminal.say(_indented(signed.text))
    terminal.say(f"Document {signed.id}: {check.kind.value}, of {check.network or '2016'}")
    terminal.say(f"Signed by {signed.address}: the signature is right.")
    if found.authorised:
        name = safe_line(found.name or "somebody")
        terminal.say(f"That is a key of {name}" + (f" ({check.author}, SIN {check.sin})." if check.author else "."))
    if found.counts:
        terminal.say("It counts in its job.")
    for doubt in found.doubts:
        terminal.say(f"Take care: {safe_line(doubt)}.")
    if found.objection is not None:
        raise found.objection
    terminal.result(check.json())


def _read(cli: Cli, source: str, *, show: bool = True) -> Signed[Any]:
    """The document in a file. A text that is signed and not a document is shown before it is refused.

    :raises ReinError: it is none, or not by who it says.
    """
    if source != STDIN and not os.path.exists(source):
        raise InputError(f"there is no file {source[:80]!r}", hint="Name a file, or - for standard input.")
    name = "standard input" if source == STDIN else safe_line(source, 80)
    try:
        return read_document(read_given(source, _LIMIT), name)
    except SignedTextError as error:
        if show:
            cli.terminal.say(_indented(error.armored.text))
        raise


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in safe(text).split("\n"))
