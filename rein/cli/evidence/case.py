"""`rein case export`, `rein case verify` and `rein case keep`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rein.casefile.archive import read_archive
from rein.casefile.verify import Case, verify_case
from rein.casefile.words import tell
from rein.cli.common import Cli, command
from rein.cli.toolkit.terminal import safe
from rein.workflows.evidence.case_export import export_case
from rein.workflows.evidence.case_import import keep_case
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order


@click.group("case")
def case() -> None:
    """Put a job into one file that proves itself, or check such a file.

    Example: rein case verify case.zip
    """


@command("export")
@click.argument("job", metavar="JOBID")
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), help="The file. [case-JOBID.zip]")
@click.option(
    "--attach",
    "attachments",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose hash the case names; it stays where it is.",
)
def export(cli: Cli, job: str, out: Path | None, attachments: tuple[Path, ...]) -> None:
    """Write one file with every signed document, both descriptors, the payments, and proofs of what the chain holds.

    Example: rein case export n0qlna45dgynluhtl0gf
    """
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    pull(session)
    order = find_order(session, job)
    path = out or Path(f"case-{order.job.document.job_id}.zip")
    made = export_case(session, order, path, attachments)
    terminal.say(f"Wrote {path}. Anybody checks it with `rein case verify {path}`.")
    terminal.result(_data(made) | {"file": str(path)})


@command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def check(cli: Cli, file: Path) -> None:
    """Check a case: no network, no account and no database. Says what happened, who signed what, and who was paid.

    Example: rein case verify case-n0qlna45dgynluhtl0gf.zip
    """
    found = verify_case(read_archive(file))
    for line in tell(found):
        cli.terminal.say(safe(line))
    cli.terminal.say("Every piece is as it was signed.")
    cli.terminal.result(_data(found) | {"file": str(file)})


@command("keep")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def keep(cli: Cli, file: Path) -> None:
    """Keep the documents of a case, whoever hands it to you, as if a server had sent them.

    Of a job of yours the chain is looked at as always. Of other people's, what the case proves is kept too, if your
    chain source knows its blocks: ratings in that job then count.

    Example: rein case keep case-n0qlna45dgynluhtl0gf.zip
    """
    found = keep_case(cli.session, read_archive(file))
    cli.terminal.say(safe(f"Kept: job {found.order.job.document.job_id} is {found.order.state.value} by this case."))
    cli.terminal.result(_data(found) | {"file": str(file)})


for _command in (export, check, keep):
    case.add_command(_command)


def _data(found: Case) -> dict[str, Any]:
    order = found.order
    return {
        "job_id": order.job.document.job_id,
        "job_document": order.id,
        "network": order.job.document.network.name,
        "state": order.state.value,
        "made_by": found.index.master_address,
        "documents": [each.id for each in order.documents()],
        "conflict": [each.id for each in order.conflict],
        "escrows": [
            {
                "purse": story.terms.id,
                "address": story.terms.escrow.address,
                "amount_sat": story.terms.amount,
                "funded_sat": story.funded,
                "deposits": [
                    {
                        "outpoint": str(deposit.coin.outpoint),
                        "amount_sat": deposit.coin.amount,
                        "confirmations": deposit.proved.confirmations,
                    }
                    for deposit in story.deposits
                ],
                "payments": [
                    {
                        "txid": paid.txid,
                        "confirmations": paid.proved.confirmations,
                        "ending": paid.proposal.ending.value if paid.proposal else None,
                        "amount_sat": paid.payout.split.payee if paid.payout else None,
                        "back_sat": paid.payout.back if paid.payout else None,
                        "fee_sat": paid.payout.fee if paid.payout else None,
                    }
                    for paid in story.payments
                ],
            }
            for story in found.escrows
        ],
        "attachments": [
            {"name": each.name, "bytes": each.size, "sha256": each.sha256} for each in found.index.attachments
        ],
    }
