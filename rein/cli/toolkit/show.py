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
from rein.workflows.orders.outbox import add_to_outbox
from rein.workflows.wallet.payout import PaidAt, pay_at


def finish(cli: Cli, signed: Signed[Any], *, dry_run: bool, next_step: str, carried: Signed[Bid] | None = None) -> None:
    """Show a new document, and store it unless this is a dry run.

    :param carried: the bid that is sealed in it.
    """
    terminal = cli.terminal
    terminal.say(safe(signed.armored), exact=True)
    terminal.say()
    if dry_run:
        terminal.say("This was a dry run: nothing was stored.")
    else:
        add_to_outbox(cli.session, signed, carried)
        terminal.advise(f"Stored as document {signed.id}. {next_step}")
    terminal.result(described(signed) | {"stored": not dry_run})


def say_where_paid(cli: Cli, pay_to: str | None) -> PaidAt:
    """Choose the address at which somebody is paid, and show it before anything that names it is signed."""
    paid_at = pay_at(cli.session, pay_to)
    cli.terminal.advise(paid_at.in_words)
    cli.terminal.say()
    return paid_at


def described(signed: Signed[Any]) -> dict[str, Any]:
    """A document for programs."""
    document = signed.document
    return {
        "document_id": signed.id,
        "kind": document.KIND.value,
        "network": document.network.name,
        "job_id": getattr(document, "job_id", None),
        "job_document": getattr(document, "job_document", None),
        "author": document.author.master_address,
        "document": signed.armored,
    }


def job_line(order: Order) -> str:
    """One order on one line."""
    job = order.job.document
    return f"{job.name} ({job.job_id}), {order.state.value}"


def say_payouts(cli: Cli, payouts: Iterable[Payout]) -> None:
    """What would be signed, in words and satoshis."""
    cli.terminal.say("You would sign:")
    for payout in payouts:
        first, *rest = in_words(payout)
        cli.terminal.say(f"  the {payout.purse.escrow.kind.value} payment, which {safe(first)}")
        for line in rest:
            cli.terminal.say(f"    {safe(line)}")
    cli.terminal.say()


def planned(payout: Payout) -> dict[str, Any]:
    """A payment for programs."""
    purse = payout.purse
    return {
        "purse": purse.escrow.kind.value,
        "txid": payout.txid,
        "outpoints": [str(coin.outpoint) for coin in payout.coins],
        "holds_sat": payout.total,
        "receiver": purse.payee.name,
        "address": purse.payee.address,
        "amount_sat": payout.split.payee,
        "back_address": purse.payer.address,
        "back_sat": payout.back,
        "fee_sat": payout.fee,
    }
