"""`rein psbt import`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.cli.common import Cli, command, job_option
from rein.cli.money.explain import read_psbt
from rein.cli.money.signing import sign_shown
from rein.cli.toolkit.options import FilePath
from rein.cli.toolkit.show import planned, say_payouts
from rein.errors import InputError
from rein.workflows.money.psbt_import import Imported, combine_imported, send_imported
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order


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
    import_psbt(cli, file, job, dry_run=dry_run)


def import_psbt(cli: Cli, file: Path, job: str, *, dry_run: bool = False) -> None:
    """Check, combine, and send what is complete; otherwise print what is there."""
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    text = read_psbt(file)
    pull(session)
    order = find_order(session, job)
    imported = combine_imported(session, order, text)
    by = " and the ".join(role.value for role in imported.signers)

    def show(shown: Imported) -> None:
        say_payouts(cli, [shown.ready.payout])
        terminal.say(f"It is as agreed, and signed by the {by}.")

    sent = imported.complete and not dry_run
    if sent:
        question = "It has both signatures. Send it?"
        payment = sign_shown(cli, imported, show, question, partial(send_imported, session))
        terminal.say(f"Sent in transaction {payment.txid}.")
    else:
        show(imported)
        if imported.complete:
            terminal.say("This was a dry run: nothing was sent.")
        else:
            terminal.say("A signature is missing still. With all that is known of it now:\n")
            terminal.say(imported.psbt.to_base64())
    terminal.result(
        {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "signed_by": [role.value for role in imported.signers],
            "complete": imported.complete,
            "sent": sent,
            "psbt": imported.psbt.to_base64(),
            "payment": planned(imported.ready.payout),
        }
    )
