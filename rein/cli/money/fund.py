"""`rein fund`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from rein.cli.common import Cli, command, job_option
from rein.cli.toolkit.choose import pick_order
from rein.cli.toolkit.qr import show_qr
from rein.cli.toolkit.show import job_line
from rein.cli.toolkit.terminal import safe
from rein.cli.toolkit.units import amount
from rein.errors import NotFoundError
from rein.escrow.funding import EscrowFunding, Funding
from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.workflows.money.fund import Invoice, invoices, look_for_funding, wait_for_funding
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order, my_orders, roles_in
from rein.workflows.orders.next_step import next_step_of


@command("fund")
@job_option
@click.option("--wait/--no-wait", default=True, help="Watch the chain until both escrows are funded.")
@click.option("--qr", is_flag=True, help="Show each payment as a QR code too.")
@click.option("--again", is_flag=True, help="Pay anew although an earlier payment may come back.")
def fund(cli: Cli, job: str | None, wait: bool, qr: bool, again: bool) -> None:
    """See what the two escrows of an offered job hold and what is still to be paid, from any wallet, and watch it
    arrive.

    Example: rein fund --jobid n0qlna45dgynluhtl0gf
    """
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    pull(session)
    order = find_order(session, job) if job else _choose(cli)
    funding = look_for_funding(session, order)
    order = find_order(session, order.contract_id)
    bills = invoices(session, order, funding, again=again)
    terminal.say(safe(job_line(order)))
    _show(cli, funding)
    if bills:
        _ask(cli, bills, qr=qr)
        if wait:
            funding = wait_for_funding(session, order, lambda found: _show(cli, found))
    elif wait and funding.waits and not order.is_over:
        funding = wait_for_funding(session, order, lambda found: _show(cli, found))
    order = find_order(session, order.contract_id)
    if funding.complete:
        begin = " The work can begin." if order.state is State.FUNDED else ""
        terminal.say(f"Both escrows are funded: pay nothing more.{begin}")
    elif not bills:
        terminal.advise(f"Pay nothing. Next: {next_step_of(session, order).text}")
    terminal.result(
        {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "state": order.state.value,
            "funded": funding.complete,
            "escrows": [_data(each, bills) for each in funding.escrows],
        }
    )


def _ask(cli: Cli, bills: Sequence[Invoice], *, qr: bool) -> None:
    what = "this amount" if len(bills) == 1 else "exactly these two amounts"
    cli.terminal.say(f"\nPay {what}, once, from any wallet:")
    for bill in bills:
        cli.terminal.say(f"\n  {bill.escrow_id} escrow   {amount(bill.amount)}")
        cli.terminal.say(f"    address     {bill.address}")
        cli.terminal.say(f"    URI         {bill.uri}")
        cli.terminal.say(f"    descriptor  {bill.descriptor}")
        if qr:
            show_qr(cli.terminal, bill.uri.encode())
    cli.terminal.say()


def _data(held: EscrowFunding, bills: Sequence[Invoice]) -> dict[str, Any]:
    bill = next((each for each in bills if each.escrow_id == held.id), None)
    return {
        "purse": held.id,
        "verdict": held.verdict.value,
        "amount_sat": held.terms.amount,
        "pay_sat": bill.amount if bill else None,
        "address": bill.address if bill else None,
        "uri": bill.uri if bill else None,
        "descriptor": held.terms.escrow.descriptor,
        "filling": held.filling.value,
        "holds_sat": held.holds,
        "missing_sat": held.missing,
        "surplus_sat": held.surplus,
        "unused_sat": sum(output.amount for output in held.dust),
        "outpoints": [str(output.outpoint) for output in held.outputs],
        "confirmations": held.confirmations,
        "confirmations_needed": held.confirmations_needed,
        "taken_by": [claim.document_id for claim in held.given_back],
    }


def _show(cli: Cli, funding: Funding) -> None:
    for each in funding.escrows:
        cli.terminal.say(str(each))


def _choose(cli: Cli) -> Order:
    waiting = [
        order
        for order in my_orders(cli.session).orders
        if order.state is State.OFFERED and Role.CREATOR in roles_in(order, cli.session.address)
    ]
    if not waiting:
        raise NotFoundError("none of your jobs waits to be funded", hint="See them all: rein status")
    if len(waiting) == 1:
        return waiting[0]
    return pick_order(cli, waiting, [job_line(order) for order in waiting])
