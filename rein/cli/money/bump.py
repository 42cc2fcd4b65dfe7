"""`rein bump`"""

from __future__ import annotations

from functools import partial

import click

from rein.cli.common import Cli, command, dry_run_option, feerate_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.signing import say_plan, sign_shown
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.show import finish
from rein.cli.toolkit.units import amount
from rein.errors import InputError
from rein.protocol.orders import Order
from rein.workflows.money.bump import Hurry, plan_bump, plan_replacement, send_bump
from rein.workflows.money.settle import build_settlement
from rein.workflows.orders.load import open_orders

_REPLACEMENT = "The same payment at a higher fee."


@command("bump", writes=True)
@job_option
@feerate_option
@click.option("--replace", is_flag=True, help="Propose the same payment at a higher fee to the other signer.")
@dry_run_option
def bump(cli: Cli, job: str | None, feerate: str | None, replace: bool, dry_run: bool) -> None:
    """Hurry a payment to you that waits for a block. The fee is taken from what you get.

    Example: rein bump --jobid n0qlna45dgynluhtl0gf --feerate 40
    """
    session = cli.session
    rate = parse_feerate(feerate) or session.chain.feerate()
    if rate is None:
        raise InputError("the chain source has no estimate of a fee rate", hint="Name one: --feerate")
    order = order_now(cli, job, open_orders, "hurry")
    if replace:
        _replace(cli, order, rate, dry_run=dry_run)
    else:
        _pull(cli, order, rate, dry_run=dry_run)


def _pull(cli: Cli, order: Order, rate: int, *, dry_run: bool) -> None:
    session, terminal = cli.session, cli.terminal
    hurry = plan_bump(session, order, rate)
    child, txid = hurry.child, None

    def show(shown: Hurry) -> None:
        pays = f"You would spend the {amount(shown.child.amount)} it pays"
        terminal.say(f"{shown.payment.txid} waits for a block. {pays}")
        terminal.say(f"you to the same address, less {shown.child.fee:,} sat, which brings both to {rate} sat/vB.")

    if dry_run:
        show(hurry)
        terminal.say("This was a dry run: nothing was sent.")
    else:
        txid = sign_shown(cli, hurry, show, "Sign and send it?", partial(send_bump, session))
        terminal.say(f"Sent in transaction {txid}.")
    terminal.result(
        {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "payment_txid": hurry.payment.txid,
            "txid": txid,
            "amount_sat": child.receives,
            "fee_sat": child.fee,
            "sent": txid is not None,
        }
    )


def _replace(cli: Cli, order: Order, rate: int, *, dry_run: bool) -> None:
    session = cli.session
    signed = sign_shown(
        cli,
        plan_replacement(session, order, rate),
        partial(say_plan, cli),
        "Propose this and sign these payments?",
        lambda shown: build_settlement(session, shown, _REPLACEMENT),
        dry_run=dry_run,
    )
    next_step = "Publish it with `rein sync`; then the other can agree to it."
    finish(cli, signed, dry_run=dry_run, next_step=next_step)
