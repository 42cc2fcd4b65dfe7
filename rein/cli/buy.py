"""`rein buy URL`"""

from __future__ import annotations

import click

from rein.btc.amounts import format_btc
from rein.cli.common import Cli, command
from rein.cli.units import amount, size
from rein.errors import RemoteError

_WAIT_SECONDS = 3_600.0


@command("buy", waits=True)
@click.argument("url")
@click.option("--wait/--no-wait", default=True, help="Wait up to an hour until the server has seen the payment.")
def buy(cli: Cli, url: str, wait: bool) -> None:
    """Buy hosting at a causeway server: see what to pay, from any wallet, and wait until it is credited.

    Example: rein buy https://causeway.example
    """
    from rein.workflows.host import buy_hosting, wait_for_credit

    terminal = cli.terminal
    normal, purchase, before = buy_hosting(cli.desk, url)
    uri = f"bitcoin:{purchase.address}?amount={format_btc(purchase.price)}" if purchase.address else None
    credited = None if uri else purchase.hosting
    if uri is None:
        terminal.say(f"{normal} asks for no money: you have {purchase.hosting.buckets} buckets there.")
    else:
        terminal.say(f"Pay exactly {amount(purchase.price)}, from any wallet:")
        terminal.say(f"  address  {purchase.address}")
        terminal.say(f"  URI      {uri}")
        if wait:
            terminal.note("Waiting for the payment; you may stop this, it will be credited all the same.")
            credited = wait_for_credit(cli.desk, normal, before, _WAIT_SECONDS)
    if credited is not None:
        terminal.say(f"Credited: {size(credited.bytes_free)} free in {credited.buckets} buckets.")
    terminal.result(
        {
            "url": normal,
            "price_sat": purchase.price,
            "address": purchase.address,
            "uri": uri,
            "credited": credited is not None,
            "buckets": (credited or before).buckets,
            "bytes_free": (credited or before).bytes_free,
        }
    )
    if wait and credited is None:
        raise RemoteError(f"{normal} has not seen the payment yet", hint="Look again later: rein servers")
