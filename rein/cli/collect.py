"""`rein collect`"""

from __future__ import annotations

from rein.btc.amounts import format_btc
from rein.cli.choose import choose_order
from rein.cli.common import Cli, command, dry_run_option, job_option
from rein.workflows.cases import find_order
from rein.workflows.collect import orders_to_collect, prepare, sign_and_send
from rein.workflows.pull import pull_my_orders
from rein.workflows.watch_chain import look_at


@command("collect")
@job_option
@dry_run_option
def collect(cli: Cli, job: str | None, dry_run: bool) -> None:
    """Collect the money of an accepted job: check the payment, add your signature, send it.

    Example: rein collect --jobid n0qlna45dgynluhtl0gf
    """
    desk, terminal = cli.desk, cli.terminal
    _ = desk.identity
    pull_my_orders(desk)
    wanted = job if job else choose_order(cli, orders_to_collect, "collect").id
    look_at(desk, find_order(desk, wanted))
    collectable = prepare(desk, find_order(desk, wanted))
    amount, address = collectable.receives, collectable.purse.receiver_address
    terminal.say(f"The payment is as agreed: {format_btc(amount)} BTC to {address}.")
    if dry_run:
        terminal.say("This was a dry run: nothing was sent.")
    else:
        terminal.confirm("Sign and send it?")
        sign_and_send(desk, collectable)
        terminal.say(f"Sent in transaction {collectable.txid}.")
    terminal.result(
        {
            "job_id": collectable.order.job.document.job_id,
            "job_document": collectable.order.id,
            "txid": collectable.txid,
            "amount_sat": amount,
            "address": address,
            "fee_sat": collectable.purse.miner_fee,
            "sent": not dry_run,
        }
    )
