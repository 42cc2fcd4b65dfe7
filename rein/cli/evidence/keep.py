"""`rein keep`"""

from __future__ import annotations

import os

import click

from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe, safe_line
from rein.cli.toolkit.files import STDIN, read_given
from rein.errors import InputError
from rein.workflows.evidence.document_check import job_id_of, kind_of
from rein.workflows.evidence.document_import import ArchiveError, commit, prepare

_LIMIT = 16 * 2**20
"""Bytes that are read of a file: more than a job has."""


@command("keep")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def keep(cli: Cli, files: tuple[str, ...]) -> None:
    """Keep signed documents that somebody handed you, as if a server had sent them.

    A file may hold several; - stands for standard input. Each is verified; of several, all are kept or none. What
    belongs to your jobs is put on your servers by the next `rein sync`. For a case file: rein case keep

    Example: rein keep job.txt offer.txt
    """
    given = []
    for each in files:
        if each != STDIN and not os.path.exists(each):
            raise InputError(f"there is no file {each[:80]!r}", hint="Name a file, or - for standard input.")
        given.append(("standard input" if each == STDIN else safe_line(each, 80), read_given(each, _LIMIT)))
    try:
        handed = commit(cli.session, prepare(cli.session, given))
    except ArchiveError as error:
        raise InputError(error.message, hint="Is it a case file? rein case keep FILE") from error
    for signed in (*handed.new, *handed.known):
        job_id = job_id_of(signed.document)
        of_job = f" in the job {job_id}" if job_id else ""
        verb = "Kept" if signed in handed.new else "Was here"
        cli.terminal.say(safe(f"{verb}: {kind_of(signed.document).value} {signed.id}{of_job}"))
    cli.terminal.result(handed.json())
