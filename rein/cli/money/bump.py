"""`rein bump`"""

from __future__ import annotations

from functools import partial

import click

from rein.btc.feerate import Feerate, format_feerate
from rein.cli.common import Cli, command, dry_run_option, feerate_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.signing import commit_shown, say_plan
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.show import say_written
from rein.cli.toolkit.units import amount
from rein.errors import InputError
from rein.protocol.orders import Order
from rein.workflows.money import bump as bumps
from rein.workflows.money import settle as settlements
from rein.workflows.money.bump import BumpPlan
from rein.workflows.orders.load import open_orders


@command("bump", writes=True)
@job_option
@feerate_option
@click.option("--replace", is_flag=True, help="Propose the same payment at a higher fee to the other signer.")
@dry_run_option
def bump(cli: Cli, job: str | None, feerate: str | None, replace: bool, dry_run: bool) -> None:
    """Bump the fee of an unconfirmed payment to you. The fee is taken from what you get.

    Example: rein bump --jobid n0qlna45dgynluhtl0gf --feerate 40
    """
    rate = parse_feerate(feerate) or cli.session.chain.feerate()
    if rate is None:
        raise InputError("the chain source has no estimate of a fee rate", hint="Name one: --feerate")
    order = order_now(cli, job, open_orders, "bump the fee of")
    if replace:
        _replace(cli, order, rate, dry_run=dry_run)
    else:
        _spend(cli, order, rate, dry_run=dry_run)


def _spend(cli: Cli, order: Order, rate: Feerate, *, dry_run: bool) -> None:
    terminal, plan = cli.terminal, bumps.prepare(cli.session, order, rate)
    result = commit_shown(cli, plan, partial(_show, cli), "Sign and send it?", bumps.commit, dry_run=dry_run)
    if result.txid is None:
        terminal.say("This was a dry run: nothing was sent.")
    else:
        terminal.say(f"Sent in transaction {result.txid}.")
    terminal.result(result.json())


def _show(cli: Cli, plan: BumpPlan) -> None:
    say, child = cli.terminal.say, plan.child
    say(f"{plan.payment.txid} waits for a block. You would spend the {amount(child.amount)} it pays")
    say(f"you to the same address, less {child.fee:,} sat, which brings both to {format_feerate(plan.feerate)} sat/vB.")


def _replace(cli: Cli, order: Order, rate: Feerate, *, dry_run: bool) -> None:
    plan = bumps.prepare_replacement(cli.session, order, rate)
    question = "Propose this and sign these payments?"
    result = commit_shown(cli, plan, partial(say_plan, cli), question, settlements.commit, dry_run=dry_run)
    say_written(cli, result, "Publish it with `rein sync`; then the other can agree to it.")
