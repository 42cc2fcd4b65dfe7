"""`rein fund`"""

from __future__ import annotations

from collections.abc import Sequence

import click

from rein.btc.amounts import format_btc
from rein.cli.common import Cli, command, job_option
from rein.cli.console.qr import show_qr
from rein.cli.console.terminal import safe
from rein.cli.toolkit.choose import pick_order
from rein.cli.toolkit.show import job_line
from rein.cli.toolkit.units import amount
from rein.errors import NotFoundError
from rein.escrow.funding import Funding
from rein.protocol.orders import Order, State
from rein.workflows.money.fund import FundingView, Invoice, orders_to_fund, view_funding, wait_for_funding
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order
from rein.workflows.orders.next_step import next_step_of


@command("fund")
@job_option
@click.option("--wait/--no-wait", default=True, help="Watch the chain until all escrows are funded.")
@click.option("--qr", is_flag=True, help="Show each payment as a QR code too.")
@click.option("--pay-to-many", is_flag=True, help="Print `address,amount` lines for wallets that pay several at once.")
@click.option("--again", is_flag=True, help="Pay again although an earlier payment may come back.")
def fund(cli: Cli, job: str | None, wait: bool, qr: bool, pay_to_many: bool, again: bool) -> None:
    """See what the escrows of an offered job hold and what is still to be paid, from any wallet, and watch it arrive.

    Example: rein fund --jobid n0qlna45dgynluhtl0gf
    """
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    pull(session)
    view = view_funding(session, find_order(session, job) if job else _choose(cli), again=again)
    terminal.say(safe(job_line(view.order)))
    _show(cli, view.funding)
    if view.invoices:
        _ask(cli, view.invoices, qr=qr, pay_to_many=pay_to_many)
    if wait and (view.invoices or (view.funding.waits and not view.order.is_over)):
        view = wait_for_funding(session, view, lambda found: _show(cli, found))
    _say_what_is_next(cli, view)
    terminal.result(view.json())


def _ask(cli: Cli, bills: Sequence[Invoice], *, qr: bool, pay_to_many: bool) -> None:
    say = cli.terminal.say
    amounts = {1: "this amount", 2: "exactly these two amounts"}.get(len(bills), "exactly these amounts")
    say(f"\nPay {amounts}, once, from any wallet:")
    for bill in bills:
        say(f"\n  {bill.escrow_id} escrow   {amount(bill.amount)}")
        for name, value in (("address", bill.address), ("URI", bill.uri), ("descriptor", bill.descriptor)):
            say(f"    {name}")
            say(value, exact=True)
        if qr:
            show_qr(cli.terminal, bill.uri.encode())
    if pay_to_many:
        say("\nFor a wallet that pays several outputs at once (address,amount in BTC):")
        for bill in bills:
            say(f"{bill.address},{format_btc(bill.amount)}", exact=True)
    say()


def _say_what_is_next(cli: Cli, view: FundingView) -> None:
    if view.funding.complete:
        begin = " The work can begin." if view.order.state is State.FUNDED else ""
        funded = "Both escrows are" if len(view.funding.escrows) == 2 else "All escrows are"
        cli.terminal.say(f"{funded} funded: pay nothing more.{begin}")
    elif not view.invoices:
        cli.terminal.advise(f"Pay nothing. Next: {next_step_of(cli.session, view.order).text}")


def _show(cli: Cli, funding: Funding) -> None:
    for each in funding.escrows:
        cli.terminal.say(str(each))


def _choose(cli: Cli) -> Order:
    waiting = orders_to_fund(cli.session)
    if not waiting:
        raise NotFoundError("none of your jobs waits to be funded", hint="See them all: rein status")
    if len(waiting) == 1:
        return waiting[0]
    return pick_order(cli, waiting, [job_line(order) for order in waiting])
