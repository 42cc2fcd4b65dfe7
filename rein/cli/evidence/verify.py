"""`rein verify`"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from rein.cli.common import Cli, command
from rein.cli.toolkit.terminal import safe, safe_line
from rein.errors import FieldError, InputError

if TYPE_CHECKING:
    from rein.protocol.signed import Signed

_LIMIT = 131_072
"""Bytes that are read: a document, and the blank lines and line ends that mail may have put around it."""


@command("verify")
@click.argument("source", metavar="FILE")
@click.option("--enrollment", "enrollments", multiple=True, metavar="FILE", help="Of the signer, if it is not here.")
def verify(cli: Cli, source: str, enrollments: tuple[str, ...]) -> None:
    """Check one signed document, today's or of 2016: who signed it, and whether he might.

    - stands for standard input. What is here of enrollments and jobs is used; no server is asked, nothing is stored.
    The exit code is 0 only if the signature is right and nothing known here speaks against the document.

    Example: rein verify offer.txt
    """
    from rein.workflows.evidence.document_check import judge

    terminal = cli.terminal
    signed = _read(cli, source)
    given = [_read(cli, each, show=False) for each in enrollments]
    judgement = judge(cli.session, signed, given)
    data = _data(signed)
    terminal.say(_indented(signed.text))
    terminal.say(f"Document {signed.id}: {data['kind']}, of {data['network'] or '2016'}")
    terminal.say(f"Signed by {signed.address}: the signature is right.")
    if judgement.authorised:
        name, address = safe_line(judgement.name or "somebody"), data["author"]
        terminal.say(f"That is a key of {name}" + (f" ({address}, SIN {data['sin']})." if address else "."))
    if judgement.counts:
        terminal.say("It counts in its job.")
    for doubt in judgement.doubts:
        terminal.say(f"Take care: {safe_line(doubt)}.")
    if judgement.objection is not None:
        raise judgement.objection
    known = {"author_name": judgement.name, "authorised": judgement.authorised, "counts": judgement.counts}
    terminal.result(data | known | {"doubts": list(judgement.doubts)})


def _read(cli: Cli, source: str, *, show: bool = True) -> Signed[Any]:
    """The document in a file. Of a text that is signed and no document, everything that can be said is said first.

    :raises ReinError: it is none, or not by who it says.
    """
    from rein.cli.toolkit.files import STDIN, read_given
    from rein.protocol.armor import read_armor
    from rein.protocol.signed import verify as verified

    if source != STDIN and not os.path.exists(source):
        raise InputError(f"there is no file {source[:80]!r}", hint="Name a file, or - for standard input.")
    try:
        text = read_given(source, _LIMIT).decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        raise InputError(f"{source[:80]!r} is not text in UTF-8") from error
    try:
        return verified(text)
    except FieldError as error:
        signed = read_armor(text)
        if show:
            cli.terminal.say(_indented(signed.text))
        hint = f"The signature is right, though: {signed.address} signed this text."
        raise FieldError(error.message, hint=hint) from error


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in safe(text).split("\n"))


def _data(signed: Signed[Any]) -> dict[str, Any]:
    """A document of whatever age, for programs."""
    from rein.protocol.documents import LegacyDocument
    from rein.protocol.sin import secure_identity_number

    document, author = signed.document, signed.document.author.master_address
    is_old = isinstance(document, LegacyDocument)
    return {
        "document_id": signed.id,
        "kind": document.kind.value if is_old else document.KIND.value,
        "network": None if is_old else document.network.name,
        "job_id": document.fields.get("Job ID") if is_old else getattr(document, "job_id", None),
        "signed_by": signed.address,
        "author": author or None,
        "sin": secure_identity_number(author) if author else None,
        "text": signed.text,
    }
