"""`rein collect`"""

from __future__ import annotations

from rein.cli.common import Cli, command, dry_run_option, job_option
from rein.cli.money.signing import say_repeated, send_shown
from rein.cli.toolkit.choose import order_now
from rein.workflows.money.collect import commit, orders_to_collect, prepare
from rein.workflows.money.completion import PaymentsResult


@command("collect", writes=True, documents=False)
@job_option
@dry_run_option
def collect(cli: Cli, job: str | None, dry_run: bool) -> None:
    """Collect the money of a job: check the payment somebody signed, add your signature, send it.

    Example: rein collect --jobid n0qlna45dgynluhtl0gf
    """
    plan = prepare(cli.session, order_now(cli, job, orders_to_collect, "collect"))
    if isinstance(plan, PaymentsResult):
        say_repeated(cli, plan, "you have collected your payment", "See where it stands: rein status")
        return
    if plan.fee_is_unsigned:
        cli.terminal.note(
            "The mediator's fee is not signed as agreed, by anybody. Once your payment is in a block, sign the fee "
            "yourself, so that it is not lost: rein refund"
        )
    cli.terminal.say("The payment is as agreed.")
    send_shown(cli, plan, commit, dry_run=dry_run)
