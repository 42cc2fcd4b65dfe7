"""Completing payments somebody else has signed, the same way in every command."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from rein.cli.common import Cli
from rein.cli.money.signing import sign_shown
from rein.cli.toolkit.show import planned, say_payouts
from rein.protocol.orders import Order
from rein.workflows.money.payments import Ready, sign_and_send


def say_ready(cli: Cli, ready: Iterable[Ready]) -> None:
    """Payments that wait for this person's signature."""
    say_payouts(cli, [each.payout for each in ready])


def send(cli: Cli, order: Order, ready: list[Ready], *, dry_run: bool) -> None:
    """Show the payments, ask, sign, and give them to the network."""
    terminal = cli.terminal

    def sign(shown: list[Ready]) -> None:
        for each in shown:
            terminal.say(f"Sent in transaction {sign_and_send(cli.session, each).txid}.")

    if dry_run:
        say_ready(cli, ready)
        terminal.say("This was a dry run: nothing was sent.")
    else:
        question = "Sign and send it?" if len(ready) == 1 else "Sign and send them?"
        sign_shown(cli, ready, partial(say_ready, cli), question, sign)
    terminal.result(
        {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "sent": not dry_run,
            "payments": [planned(each.payout) for each in ready],
        }
    )
