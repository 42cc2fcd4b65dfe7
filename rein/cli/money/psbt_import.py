"""`rein psbt import`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.cli.common import Cli, command, job_option
from rein.cli.money.explain import read_psbt
from rein.cli.money.signing import commit_shown
from rein.cli.toolkit.options import FilePath
from rein.cli.toolkit.show import say_payouts
from rein.errors import InputError
from rein.workflows.money.psbt_import import ImportPlan, commit, prepare


@command("import", writes=True, documents=False)
@click.argument("file", type=FilePath())
@job_option
@click.option("--dry-run", "-n", is_flag=True, help="Check and combine; send nothing.")
def psbt_import(cli: Cli, file: Path, job: str | None, dry_run: bool) -> None:
    """Take in a payment of a job that was signed elsewhere, and send it if it has both signatures now.

    Sign it with Bitcoin Core, Sparrow or a hardware signer, without finalising it. It is checked as every payment is.

    Example: rein psbt import signed.psbt --jobid n0qlna45dgynluhtl0gf
    """
    if job is None:
        raise InputError("say of which job it is", hint="rein psbt import FILE --jobid ID")
    plan = prepare(cli.session, job, read_psbt(file))
    _finish(cli, plan, dry_run=dry_run or not plan.complete)


def _finish(cli: Cli, plan: ImportPlan, *, dry_run: bool) -> None:
    terminal, question = cli.terminal, "It has both signatures. Send it?"
    result = commit_shown(cli, plan, partial(_show, cli), question, commit, dry_run=dry_run)
    if result.payment is not None:
        terminal.say(f"Sent in transaction {result.payment.txid}.")
    elif plan.complete:
        terminal.say("This was a dry run: nothing was sent.")
    else:
        terminal.say("A signature is missing still. With all that is known of it now:\n")
        terminal.say(plan.psbt.to_base64(), exact=True)
    terminal.result(result.json())


def _show(cli: Cli, plan: ImportPlan) -> None:
    say_payouts(cli, [plan.ready.payout])
    by = " and the ".join(role.value for role in plan.signers)
    cli.terminal.say(f"It is as agreed, and signed by the {by}.")
