"""`rein fund`"""

from __future__ import annotations

from typing import Any

import click

from rein.cli.common import Cli, command, job_option
from rein.cli.qr import show_qr
from rein.cli.show import job_line
from rein.cli.terminal import safe
from rein.cli.units import amount
from rein.errors import NotFoundError
from rein.escrow.funding import Funding, PurseFunding
from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.workflows.cases import find_order, my_orders, roles_in
from rein.workflows.fund import invoices, look_for_funding, wait_for_funding
from rein.workflows.pull import pull


@command("fund")
@job_option
@click.option("--wait/--no-wait", default=True, help="Watch the chain until both escrows are funded.")
@click.option("--qr", is_flag=True, help="Show each payment as a QR code too.")
def fund(cli: Cli, job: str | None, wait: bool, qr: bool) -> None:
    """See what to pay into the two escrows of an offered job, from any wallet, and watch it arrive.

    Example: rein fund --jobid n0qlna45dgynluhtl0gf
    """
    desk, terminal = cli.desk, cli.terminal
    _ = desk.identity
    pull(desk)
    order = find_order(desk, job) if job else _choose(cli)
    bills = invoices(order)
    terminal.say(f"To fund {safe(job_line(order))}, pay exactly these two amounts, from any wallet:")
    for bill in bills:
        terminal.say(f"\n  {bill.purse} escrow   {amount(bill.amount)}")
        terminal.say(f"    address     {bill.address}")
        terminal.say(f"    URI         {bill.uri}")
        terminal.say(f"    descriptor  {bill.descriptor}")
        if qr:
            show_qr(terminal, bill.uri.encode())
    terminal.say()
    if wait:
        funding = wait_for_funding(desk, order, lambda found: _show(cli, found))
    else:
        funding = look_for_funding(desk, order)
        _show(cli, funding)
    if funding.complete:
        terminal.say("Both escrows are funded; the work can begin.")
    terminal.result(
        {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "funded": funding.complete,
            "escrows": [
                {
                    "purse": bill.purse,
                    "amount_sat": bill.amount,
                    "address": bill.address,
                    "uri": bill.uri,
                    "descriptor": bill.descriptor,
                    **_held(purse),
                }
                for bill, purse in zip(bills, funding.purses, strict=True)
            ],
        }
    )


def _held(purse: PurseFunding) -> dict[str, Any]:
    return {
        "filling": purse.filling.value,
        "holds_sat": purse.holds,
        "missing_sat": purse.missing,
        "outpoints": [str(output.outpoint) for output in purse.outputs],
        "confirmations": purse.confirmations,
        "confirmations_needed": purse.confirmations_needed,
    }


def _show(cli: Cli, funding: Funding) -> None:
    for purse in funding.purses:
        cli.terminal.say(str(purse))


def _choose(cli: Cli) -> Order:
    waiting = [
        order
        for order in my_orders(cli.desk).orders
        if order.state is State.OFFERED and Role.CREATOR in roles_in(order, cli.desk.address)
    ]
    if not waiting:
        raise NotFoundError("none of your jobs waits to be funded", hint="See them all: rein status")
    if len(waiting) == 1:
        return waiting[0]
    return waiting[cli.terminal.choose("job", [job_line(order) for order in waiting], "--jobid")]
