"""`rein buy URL`"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from rein.btc.amounts import Sat, format_btc
from rein.cli.common import Cli, command, moment
from rein.cli.toolkit.qr import show_qr
from rein.cli.toolkit.terminal import safe
from rein.cli.toolkit.units import amount, size
from rein.errors import InputError, RemoteError

if TYPE_CHECKING:
    from rein.remote.answers import Hosting
    from rein.workflows.hosting.buy import Bill, Quote

_WAIT_SECONDS = 3_600.0


@command("buy", waits=True, writes=True, documents=False)
@click.argument("url")
@click.option("--wait/--no-wait", default=True, help="Wait up to an hour until the server has seen the payment.")
@click.option("--qr/--no-qr", default=None, help="Show the payment as a QR code. [on a terminal that has room]")
@click.option("--new", "anew", is_flag=True, help="Order anew, though an order of yours waits to be paid.")
def buy(cli: Cli, url: str, wait: bool, qr: bool | None, anew: bool) -> None:
    """Buy hosting at a causeway server: from your balance there, or see what to pay, from any wallet, and wait until
    it is credited. Stop it whenever you like; the next time it waits for the same order.

    Example: rein buy https://causeway.example
    """
    from rein.remote.answers import Hosting
    from rein.workflows.hosting.buy import buy_from_balance, get_quote, order_hosting

    terminal = cli.terminal
    quote = get_quote(cli.session, url)
    if quote.credited is not None and not anew:
        terminal.say(f"What you ordered there on {moment(quote.credited.time)} is paid and credited.")
        _end(cli, quote, None, quote.hosting)
        return
    if quote.is_covered:
        terminal.note(safe(f"A bucket at {quote.url} costs {amount(quote.price)}."), vital=True)
        terminal.note(f"Your balance there covers it: {_sats(quote.balance)}.", vital=True)
        terminal.confirm(f"Buy one from it for {quote.price:,} sat?")
        hosting, left = buy_from_balance(cli.session, quote)
        terminal.say(f"Bought from your balance, of which {left:,} sat are left.")
        if left < (quote.balance or 0) - quote.price:
            terminal.note(f"The server took more than the {quote.price:,} sat you signed for. Do not fill it up again.")
        _end(cli, quote, None, hosting, balance=left)
        return
    bill = order_hosting(cli.session, quote, anew=anew)
    if isinstance(bill, Hosting):
        terminal.say(f"{quote.url} asks for no money.")
        _end(cli, quote, None, bill)
        return
    _say_bill(cli, quote, bill, qr)
    credited = _wait(cli, quote, bill) if wait else None
    _end(cli, quote, bill, credited)
    if wait and credited is None:
        raise RemoteError(
            f"{quote.url} has not seen the payment yet",
            hint="The same command waits on for the same order. A server wants two blocks on most networks.",
        )


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
    terminal.say(f"  address  {bill.address}")
    terminal.say(f"  URI      {_uri(bill)}")
    if qr or (qr is None and sys.stdout.isatty() and not terminal.as_json):
        try:
            show_qr(terminal, _uri(bill).encode())
        except InputError as error:
            if qr:
                raise
            terminal.note(f"There is no QR code: {error.message}")


def _wait(cli: Cli, quote: Quote, bill: Bill) -> Hosting | None:
    from rein.workflows.hosting.buy import wait_for_credit

    cli.terminal.note("Waiting for the payment. You may stop this (Ctrl-C): the same command goes on waiting for it.")
    if bill.balance:
        cli.terminal.note(
            f"Once the balance is {bill.price:,} sat, a bucket is bought from it at that price.", vital=True
        )
        cli.terminal.confirm("Do that when it is there?")
    with cli.terminal.progress(f"Waiting for {bill.amount:,} sat to be credited"):
        return wait_for_credit(cli.session, quote, bill, _WAIT_SECONDS)


def _end(cli: Cli, quote: Quote, bill: Bill | None, credited: Hosting | None, *, balance: int | None = None) -> None:
    hosting = credited or quote.hosting
    if credited is not None:
        cli.terminal.say(f"You have {size(hosting.bytes_free)} free there, in {_buckets(hosting.buckets)}.")
    result: dict[str, Any] = {
        "url": quote.url,
        "price_sat": bill.price if bill else quote.price,
        "balance_sat": quote.balance if balance is None else balance,
        "from_balance": balance is not None,
        "amount_sat": bill.amount if bill else None,
        "address": bill.address if bill else None,
        "uri": _uri(bill) if bill else None,
        "ordered": bill.time if bill else None,
        "price_until": (bill.until or None) if bill else None,
        "credited": credited is not None,
        "buckets": hosting.buckets,
        "bytes_free": hosting.bytes_free,
    }
    cli.terminal.result(result)


def _uri(bill: Bill) -> str:
    return f"bitcoin:{bill.address}?amount={format_btc(bill.amount)}"


def _sats(balance: int | None) -> str:
    count = balance or 0
    return f"{count:,} sat" if count < 0 else amount(Sat(count))


def _buckets(count: int) -> str:
    return "1 bucket" if count == 1 else f"{count:,} buckets"
