"""`rein collect`"""

from __future__ import annotations

from rein.cli.choose import choose_order
from rein.cli.common import Cli, command, dry_run_option, job_option
from rein.cli.send import send
from rein.workflows.cases import find_order
from rein.workflows.collect import orders_to_collect, prepare
from rein.workflows.explain import remark
from rein.workflows.pull import pull
from rein.workflows.watch_chain import look_at


@command("collect")
@job_option
@dry_run_option
def collect(cli: Cli, job: str | None, dry_run: bool) -> None:
    """Collect the money of a job: check the payment somebody signed, add your signature, send it.

    Example: rein collect --jobid n0qlna45dgynluhtl0gf
    """
    desk = cli.desk
    _ = desk.identity
    pull(desk)
    wanted = job if job else choose_order(cli, orders_to_collect, "collect").contract_id
    look_at(desk, find_order(desk, wanted))
    order = find_order(desk, wanted)
    ready = prepare(desk, order)
    cli.terminal.say("The payment is as agreed.")
    for each in ready:
        about = remark(order, each.proposal)
        if about is not None:
            cli.terminal.note(f"Beware: {about}.", vital=True)
    send(cli, order, ready, dry_run=dry_run)
