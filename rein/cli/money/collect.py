"""`rein collect`"""

from __future__ import annotations

from rein.cli.common import Cli, command, dry_run_option, job_option
from rein.cli.money.send import send
from rein.cli.toolkit.choose import order_now
from rein.workflows.money.collect import orders_to_collect, prepare
from rein.workflows.money.explain import remark


@command("collect", writes=True, documents=False)
@job_option
@dry_run_option
def collect(cli: Cli, job: str | None, dry_run: bool) -> None:
    """Collect the money of a job: check the payment somebody signed, add your signature, send it.

    Example: rein collect --jobid n0qlna45dgynluhtl0gf
    """
    session = cli.session
    order = order_now(cli, job, orders_to_collect, "collect")
    ready = prepare(session, order)
    cli.terminal.say("The payment is as agreed.")
    for each in ready:
        about = remark(order, each.proposal)
        if about is not None:
            cli.terminal.note(f"Beware: {about}.", vital=True)
    send(cli, order, ready, dry_run=dry_run)
