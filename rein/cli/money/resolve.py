"""`rein resolve` and `rein acceptresolution`"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.btc.amounts import Sat, format_btc
from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.send import say_ready
from rein.cli.money.signing import say_plan, sign_shown
from rein.cli.toolkit.amounts import typed_amount
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import finish, planned
from rein.cli.toolkit.terminal import safe, safe_line
from rein.cli.toolkit.units import amount as amount_of
from rein.errors import InputError, OrderError
from rein.protocol.documents import DisputeResolution
from rein.protocol.orders import Order
from rein.workflows.money.dispute import (
    build_accepted_resolution,
    build_resolution,
    orders_to_accept_resolution,
    orders_to_resolve,
    plan_resolution,
    prepare_resolution,
    send_resolution,
)
from rein.workflows.orders.outbox import add_to_outbox, json_of_document

if TYPE_CHECKING:
    from rein.cli.toolkit.form import Form


@command("resolve", writes=True)
@job_option
@click.option("--worker", metavar="AMOUNT", help="What the worker gets, in bitcoin; or all, or nothing.")
@click.option("--creator", metavar="AMOUNT", help="What the creator gets back at least. [the rest of the price]")
@click.option("--resolution", metavar="TEXT", help="What you decide, and why.")
@feerate_option
@form_option
@dry_run_option
def resolve(
    cli: Cli,
    job: str | None,
    worker: str | None,
    creator: str | None,
    resolution: str | None,
    feerate: str | None,
    form_file: Path | None,
    dry_run: bool,
) -> None:
    """Decide a dispute, as the mediator: how much of the price the worker gets; the rest goes back to the creator.

    Where miners ask for more than the offer keeps for them, award less than the price: they take the difference.

    Example: rein resolve --jobid n0qlna45dgynluhtl0gf --worker 0.01 --resolution "Two thirds were done."
    """
    session, terminal = cli.session, cli.terminal
    form, rate = read_form(form_file, DisputeResolution.TITLE), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), orders_to_resolve, "resolve")
    for dispute in order.disputes:
        said = safe(dispute.document.detail).replace("\n", "\n  ")
        terminal.say(f"The {dispute.document.role.value} says:\n  {said}")
    award = cli.answer(
        first(worker, form.get("Worker amount (BTC)"), _rest_after(cli, order, form)),
        "The worker gets (BTC)",
        "--worker",
        partial(_award, cli, order),
    )
    rest = None if creator is None else _amount(cli, creator, "the creator's part")
    decision = plan_resolution(session, order, award, rest, rate)
    text = cli.text(resolution, "Resolution", "--resolution", form=form.get("Resolution"))
    terminal.say(
        f"The worker gets {amount_of(decision.worker_amount)}, "
        f"the creator {amount_of(decision.creator_amount)} of the price."
    )
    signed = sign_shown(
        cli,
        decision,
        partial(say_plan, cli),
        "Decide so and sign these payments?",
        lambda shown: build_resolution(session, shown, text),
        dry_run=dry_run,
    )
    finish(cli, signed, dry_run=dry_run, next_step="Publish it with `rein sync`.")


@command("acceptresolution", writes=True)
@job_option
@dry_run_option
def acceptresolution(cli: Cli, job: str | None, dry_run: bool) -> None:
    """Take the mediator's decision: add your signature to both payments and send them.

    Example: rein acceptresolution --jobid n0qlna45dgynluhtl0gf
    """
    session, terminal = cli.session, cli.terminal
    order = order_now(cli, job, orders_to_accept_resolution, "accept the decision on")
    ready = prepare_resolution(session, order)
    decision = ready[0].proposal.document.document
    terminal.say(f"The mediator {safe_line(order.job.document.mediator)} decides:")
    terminal.say("  " + safe(decision.resolution).replace("\n", "\n  "))
    signed = sign_shown(
        cli,
        ready,
        partial(say_ready, cli),
        "Take this decision, sign and send these payments?",
        partial(build_accepted_resolution, session, order),
        dry_run=dry_run,
    )
    terminal.say(safe(signed.armored) + "\n", exact=True)
    if dry_run:
        terminal.say("This was a dry run: nothing was stored and nothing was sent.")
    else:
        add_to_outbox(session, signed)
        for payment in send_resolution(session, ready):
            terminal.say(f"Sent in transaction {payment.txid}.")
        terminal.advise(f"Stored as document {signed.id}. Publish it with `rein sync`.")
    terminal.result(
        json_of_document(signed)
        | {"stored": not dry_run, "sent": not dry_run, "payments": [planned(each.payout) for each in ready]}
    )


def _rest_after(cli: Cli, order: Order, form: Form) -> str | None:
    """What is left to the worker where a form says, as in 2016, what the client gets.

    :raises InputError: more than the price.
    """
    client = form.get("Client payment amount (BTC)")
    if client is None or order.bid is None:
        return None
    rest = order.bid.document.amount - _amount(cli, client, "the creator's part")
    if rest < 0:
        raise InputError(f"the client cannot get {safe_line(client, 30)} BTC: it is more than the price")
    return format_btc(Sat(rest))


def _award(cli: Cli, order: Order, text: str) -> Sat:
    if order.bid is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts")
    return {"all": order.bid.document.amount, "nothing": Sat(0)}.get(text.strip().lower()) or _amount(
        cli, text, "the worker's part"
    )


def _amount(cli: Cli, text: str, whose: str) -> Sat:
    return Sat(0) if text.strip().lower() == "nothing" else typed_amount(cli.terminal, text, whose)
