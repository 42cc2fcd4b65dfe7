"""Completing payments somebody else has signed, the same way in every command."""

from __future__ import annotations

from rein.cli.common import Cli
from rein.cli.show import planned, say_payouts
from rein.protocol.orders import Order
from rein.workflows.payments import Ready, sign_and_send


def send(cli: Cli, order: Order, ready: list[Ready], *, dry_run: bool) -> None:
    """Show the payments, ask, sign, and give them to the network."""
    terminal = cli.terminal
    say_payouts(cli, [each.payout for each in ready])
    if dry_run:
        terminal.say("This was a dry run: nothing was sent.")
    else:
        terminal.confirm("Sign and send it?" if len(ready) == 1 else "Sign and send them?")
        for each in ready:
            terminal.say(f"Sent in transaction {sign_and_send(cli.desk, each).txid}.")
    terminal.result(
        {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "sent": not dry_run,
            "payments": [planned(each.payout) for each in ready],
        }
    )
