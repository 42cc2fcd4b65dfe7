"""Showing documents, the same way in every command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rein.cli.common import Cli
from rein.cli.toolkit.terminal import safe
from rein.escrow.explain import in_words
from rein.escrow.payout import Payout
from rein.protocol.documents import Bid
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.wallet.payout import PaidAt, pay_at


def say_written(cli: Cli, result: DocumentResult, next_step: str) -> None:
    """Show a document that a person has signed here, and what to do with it."""
    terminal = cli.terminal
    terminal.say(safe(result.signed.armored), exact=True)
    terminal.say()
    if result.stored:
        terminal.advise(f"Stored as document {result.signed.id}. {next_step}")
    else:
        terminal.say("This was a dry run: nothing was stored.")
    terminal.result(result.json())


def finish(cli: Cli, signed: Signed[Any], *, dry_run: bool, next_step: str, carried: Signed[Bid] | None = None) -> None:
    """Store a document that is signed, and show it."""
    say_written(cli, write(cli.session, signed, carried, dry_run=dry_run), next_step)


def say_where_paid(cli: Cli, pay_to: str | None) -> PaidAt:
    """Choose the address at which somebody is paid, and show it before anything that names it is signed."""
    paid_at = pay_at(cli.session, pay_to)
    cli.terminal.advise(paid_at.in_words)
    cli.terminal.say()
    return paid_at


def job_line(order: Order) -> str:
    """One order on one line."""
    job = order.job.document
    return f"{job.name} ({job.job_id}), {order.state.value}"


def say_payouts(cli: Cli, payouts: Iterable[Payout]) -> None:
    """What would be signed, in words and satoshis."""
    cli.terminal.say("You would sign:")
    for payout in payouts:
        first, *rest = in_words(payout)
        cli.terminal.say(f"  the {payout.terms.id} payment, which {safe(first)}")
        for line in rest:
            cli.terminal.say(f"    {safe(line)}")
    cli.terminal.say()


def planned(payout: Payout) -> dict[str, Any]:
    """A payment for programs."""
    terms = payout.terms
    return {
        "purse": terms.id,
        "txid": payout.txid,
        "outpoints": [str(coin.outpoint) for coin in payout.coins],
        "holds_sat": payout.total,
        "receiver": terms.payee.name,
        "address": terms.payee.address,
        "amount_sat": payout.split.payee,
        "back_address": terms.payer.address,
        "back_sat": payout.back,
        "fee_sat": payout.fee,
    }
