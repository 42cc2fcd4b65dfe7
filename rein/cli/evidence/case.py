"""`rein case export`, `rein case verify` and `rein case keep`"""

from __future__ import annotations

from pathlib import Path

import click

from rein.casefile.archive import read_archive
from rein.casefile.report import report
from rein.casefile.verify import verify_case
from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe
from rein.cli.toolkit.options import FilePath
from rein.workflows.evidence import case_export, case_import
from rein.workflows.evidence.case_result import CaseResult


@click.group("case")
def case() -> None:
    """Put a job into one file that proves itself, or check such a file.

    Example: rein case verify case.zip
    """


@command("export")
@click.argument("job", metavar="JOBID")
@click.option("--out", "-o", type=FilePath(dir_okay=False), help="The file. [case-JOBID.zip]")
@click.option(
    "--attach",
    "attachments",
    multiple=True,
    type=FilePath(dir_okay=False),
    help="A file whose hash the case names; it stays where it is.",
)
def export(cli: Cli, job: str, out: Path | None, attachments: tuple[Path, ...]) -> None:
    """Write one file with every signed document, both descriptors, the payments, and proofs of what the chain holds.

    Example: rein case export n0qlna45dgynluhtl0gf
    """
    result = case_export.commit(cli.session, case_export.prepare(cli.session, job, out, attachments))
    cli.terminal.say(f"Wrote {result.file}. Anybody checks it with `rein case verify {result.file}`.")
    cli.terminal.result(result.json())


@command("verify")
@click.argument("file", type=FilePath(dir_okay=False))
def check(cli: Cli, file: Path) -> None:
    """Check a case: no network, no account and no database. Says what happened, who signed what, and who was paid.

    Example: rein case verify case-n0qlna45dgynluhtl0gf.zip
    """
    found = verify_case(read_archive(file))
    for line in report(found):
        cli.terminal.say(safe(line))
    cli.terminal.say("Every piece is as it was signed.")
    cli.terminal.result(CaseResult(found, file).json())


@command("keep")
@click.argument("file", type=FilePath(dir_okay=False))
def keep(cli: Cli, file: Path) -> None:
    """Keep the documents of a case, whoever hands it to you, as if a server had sent them.

    Of a job of yours the chain is looked at as always. Of other people's, what the case proves is kept too, if your
    chain source knows its blocks: ratings in that job then count.

    Example: rein case keep case-n0qlna45dgynluhtl0gf.zip
    """
    result = case_import.commit(cli.session, case_import.prepare(cli.session, read_archive(file)), file)
    order = result.case.order
    cli.terminal.say(safe(f"Kept: job {order.job.document.job_id} is {order.state.value} by this case."))
    cli.terminal.result(result.json())


for _command in (export, check, keep):
    case.add_command(_command)
