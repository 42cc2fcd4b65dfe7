"""`rein accept`"""

from __future__ import annotations

from pathlib import Path

from rein.btc.amounts import format_btc
from rein.cli.choose import choose_order
from rein.cli.common import Cli, command, dry_run_option, first, form_option, job_option
from rein.cli.show import finish
from rein.cli.terminal import safe
from rein.escrow.terms import terms_of
from rein.protocol.orders import Order
from rein.workflows.accept import build_acceptance, check_acceptable, orders_to_accept
from rein.workflows.cases import find_order
from rein.workflows.pull import pull_my_orders
from rein.workflows.watch_chain import look_at


@command("accept")
@job_option
@form_option
@dry_run_option
def accept(cli: Cli, job: str | None, form_file: Path | None, dry_run: bool) -> None:
    """Accept a delivery: sign the worker's and the mediator's payments. They collect the money themselves.

    Example: rein accept --jobid n0qlna45dgynluhtl0gf
    """
    from rein.cli.form import read_form

    desk, form = cli.desk, read_form(form_file, "Rein Accept Delivery")
    _ = desk.identity
    pull_my_orders(desk)
    wanted = first(job, form.get("Job ID"))
    if wanted is None:
        wanted = choose_order(cli, orders_to_accept, "accept").id
    look_at(desk, find_order(desk, wanted))
    order = find_order(desk, wanted)
    check_acceptable(desk, order)
    _explain(cli, order)
    if not dry_run:
        cli.terminal.confirm("Accept the delivery and sign these payments?")
    finish(cli, build_acceptance(desk, order), dry_run=dry_run, next_step="Publish it with `rein sync`.")


def _explain(cli: Cli, order: Order) -> None:
    """What is delivered, and what would be signed, in words and satoshis."""
    terminal = cli.terminal
    if order.delivery is not None:
        terminal.say("Delivered:")
        terminal.say("  " + safe(order.delivery.document.deliverables).replace("\n", "\n  "))
    terminal.say("You would sign:")
    for purse in terms_of(order).purses:
        terminal.say(
            f"  {format_btc(purse.receives)} BTC to {safe(purse.receiver)} at {purse.receiver_address}, "
            f"{purse.miner_fee} sat to the miner"
        )
    terminal.say()
