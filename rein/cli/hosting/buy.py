"""`rein buy URL`"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from rein.btc.amounts import Sat
from rein.cli.common import Cli, command, moment
from rein.cli.console.qr import show_qr
from rein.cli.console.terminal import safe
from rein.cli.toolkit.units import amount, size
from rein.errors import InputError, RemoteError
from rein.workflows.hosting.buy import commit, prepare, wait_for_credit

if TYPE_CHECKING:
    from rein.remote.responses import Hosting
    from rein.workflows.hosting.buy import Bill, BuyResult, Quote

_WAIT_SECONDS = 3_600.0


@command("buy", waits=True, writes=True, documents=False)
@click.argument("url")
@click.option("--wait/--no-wait", default=True, help="Wait up to an hour until the server has seen the payment.")
@click.option("--qr/--no-qr", default=None, help="Show the payment as a QR code. [on a terminal that has room]")
@click.option("--new", "anew", is_flag=True, help="Order again, though an order of yours waits to be paid.")
def buy(cli: Cli, url: str, wait: bool, qr: bool | None, anew: bool) -> None:
    """Buy hosting at a causeway server: from your balance there, or see what to pay, from any wallet, and wait until
    it is credited. Stop it whenever you like; the next time it waits for the same order.

    Example: rein buy https://causeway.example
    """
    terminal = cli.terminal
    quote = prepare(cli.session, url)
    if quote.is_covered and (quote.credited is None or anew):
        terminal.note(safe(f"A bucket at {quote.url} costs {amount(quote.price)}."), vital=True)
        terminal.note(f"Your balance there covers it: {_sats(quote.balance)}.", vital=True)
        terminal.confirm(f"Buy one from it for {quote.price:,} sat?")
    result = commit(cli.session, quote, again=anew)
    if result.bill is None:
        _say_bought(cli, result)
    else:
        _say_bill(cli, quote, result.bill, qr)
        if wait:
            result = replace(result, hosting=_wait(cli, quote, result.bill))
    _end(cli, result)
    if wait and result.hosting is None:
        raise RemoteError(
            f"{quote.url} has not seen the payment yet",
            hint="The same command waits on for the same order. A server wants two blocks on most networks.",
        )


def _say_bought(cli: Cli, result: BuyResult) -> None:
    terminal, quote = cli.terminal, result.quote
    if result.left is not None:
        terminal.say(f"Bought from your balance, of which {result.left:,} sat are left.")
        if result.left < (quote.balance or 0) - quote.price:
            terminal.note(f"The server took more than the {quote.price:,} sat you signed for. Do not fill it up again.")
    elif quote.credited is not None and result.hosting == quote.hosting:
        terminal.say(f"What you ordered there on {moment(quote.credited.time)} is paid and credited.")
    else:
        terminal.say(f"{quote.url} asks for no money.")


def _say_bill(cli: Cli, quote: Quote, bill: Bill, qr: bool | None) -> None:
    terminal = cli.terminal
    if bill.balance:
        terminal.say(f"A bucket costs {amount(bill.price)}; your balance there is {_sats(bill.balance)}.")
    elif bill.price > quote.price:
        terminal.note(
            f"It asks for {bill.price:,} sat, and advertises {quote.price:,} sat. An order that is open keeps its "
            "price for as long as it says; otherwise be careful.",
            vital=True,
        )
    terminal.say(f"Pay exactly {amount(bill.amount)}, from any wallet, for the order of {moment(bill.time)}:")
    if quote.order is not None and quote.order.time == bill.time and quote.balance is None:
        terminal.note("If you have paid a part of it, pay only the rest, to the same address.")
    if bill.until:
        terminal.say(f"The order holds this price until {moment(bill.until)}: all of it must be in blocks by then.")
        terminal.say("What comes later stays as your balance, and buys at the price of its day.")
    terminal.say(f"  address  {bill.address}", exact=True)
    terminal.say(f"  URI      {bill.uri}", exact=True)
    if qr or (qr is None and sys.stdout.isatty() and not terminal.as_json):
        try:
            show_qr(terminal, bill.uri.encode())
        except InputError as error:
            if qr:
                raise
            terminal.note(f"There is no QR code: {error.message}")


def _wait(cli: Cli, quote: Quote, bill: Bill) -> Hosting | None:
    cli.terminal.note("Waiting for the payment. You may stop this (Ctrl-C): the same command goes on waiting for it.")
    if bill.balance:
        cli.terminal.note(
            f"Once the balance is {bill.price:,} sat, a bucket is bought from it at that price.", vital=True
        )
        cli.terminal.confirm("Do that when it is there?")
    with cli.terminal.progress(f"Waiting for {bill.amount:,} sat to be credited"):
        return wait_for_credit(cli.session, quote, bill, _WAIT_SECONDS)


def _end(cli: Cli, result: BuyResult) -> None:
    if result.hosting is not None:
        cli.terminal.say(
            f"You have {size(result.hosting.bytes_free)} free there, in {_buckets(result.hosting.buckets)}."
        )
    cli.terminal.result(result.json())


def _sats(balance: int | None) -> str:
    count = balance or 0
    return f"{count:,} sat" if count < 0 else amount(Sat(count))


def _buckets(count: int) -> str:
    return "1 bucket" if count == 1 else f"{count:,} buckets"
