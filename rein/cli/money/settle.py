"""`rein settle`, `rein refund` and `rein agree`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.btc.amounts import format_btc
from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.send import send
from rein.cli.money.signing import say_plan, sign_shown
from rein.cli.toolkit.amounts import typed_amount
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import finish
from rein.cli.toolkit.terminal import safe
from rein.errors import NotFoundError
from rein.escrow.proposals import Ending, Proposal
from rein.protocol.documents import Refund, Settlement
from rein.protocol.orders import Order
from rein.workflows.money.settle import (
    build_refund,
    build_settlement,
    open_proposals,
    plan_refund,
    plan_settlement,
    prepare_agreement,
)
from rein.workflows.orders.load import open_orders
from rein.workflows.orders.next_step import orders_with_money

_NEXT = "Publish it with `rein sync`; then another can agree to it."


@command("settle", writes=True)
@job_option
@click.option("--worker", metavar="AMOUNT", help="What the worker gets, in bitcoin.")
@click.option("--creator", metavar="AMOUNT", help="What the creator gets back at least. [the rest of the price]")
@click.option("--terms", metavar="TEXT", help="What you propose, in words.")
@feerate_option
@form_option
@dry_run_option
def settle(
    cli: Cli,
    job: str | None,
    worker: str | None,
    creator: str | None,
    terms: str | None,
    feerate: str | None,
    form_file: Path | None,
    dry_run: bool,
) -> None:
    """Propose to the other how to end a job: pay for a part, or split. With or without a dispute.

    Every proposal stays open until the money has moved: sign nothing you would not stand by.

    Example: rein settle --jobid n0qlna45dgynluhtl0gf --worker 0.01 --terms "For the part that is done."
    """
    session, terminal = cli.session, cli.terminal
    form, rate = read_form(form_file, Settlement.TITLE), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), open_orders, "settle")
    part = partial(typed_amount, terminal, what="the worker's part")
    gets = cli.answer(first(worker, form.get("Worker amount (BTC)")), "The worker gets (BTC)", "--worker", part)
    back = first(creator, form.get("Job creator amount (BTC)"))
    text = cli.text(terms, "Terms", "--terms", form=form.get("Terms"))
    back_sat = None if back is None else typed_amount(terminal, back, "the creator's part")
    planned = plan_settlement(session, order, gets, back_sat, rate)
    _say_what_is_open(cli, order)
    signed = sign_shown(
        cli,
        planned,
        partial(say_plan, cli),
        "Propose this and sign these payments?",
        lambda shown: build_settlement(session, shown, text),
        dry_run=dry_run,
    )
    finish(cli, signed, dry_run=dry_run, next_step=_NEXT)


@command("refund", writes=True)
@job_option
@click.option("--reason", metavar="TEXT", help="Why the money goes back.")
@feerate_option
@form_option
@dry_run_option
def refund(
    cli: Cli, job: str | None, reason: str | None, feerate: str | None, form_file: Path | None, dry_run: bool
) -> None:
    """Give the money back to the job creator. A second one of the three must agree, the creator among the two.

    Works for what is left in an escrow after the payment, too, and for one that was never filled up.

    Example: rein refund --jobid n0qlna45dgynluhtl0gf --reason "I cannot do it after all."
    """
    session = cli.session
    form, rate = read_form(form_file, Refund.TITLE), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), orders_with_money, "refund")
    text = cli.text(reason, "Reason", "--reason", form=form.get("Reason"))
    signed = sign_shown(
        cli,
        plan_refund(session, order, rate),
        partial(say_plan, cli),
        "Sign these payments?",
        lambda shown: build_refund(session, shown, text),
        dry_run=dry_run,
    )
    finish(cli, signed, dry_run=dry_run, next_step=_NEXT)


@command("agree", writes=True)
@job_option
@click.option("--document", metavar="ID", help="The settlement's or refund's document id, or its beginning.")
@dry_run_option
def agree(cli: Cli, job: str | None, document: str | None, dry_run: bool) -> None:
    """Agree to a settlement or a refund that another has proposed: add your signature and send the payments.

    Example: rein agree --jobid n0qlna45dgynluhtl0gf
    """
    session, terminal = cli.session, cli.terminal
    order = order_now(cli, job, orders_with_money, "agree on")
    if document is None:
        document = _choose(cli, open_proposals(session, order))
    ready = prepare_agreement(session, order, document)
    said = ready[0].proposal.document.document
    words = said.reason if isinstance(said, Refund) else said.terms
    terminal.say(f"The {said.role.value} says:\n  " + safe(words).replace("\n", "\n  "))
    send(cli, order, ready, dry_run=dry_run)


def _choose(cli: Cli, proposals: list[Proposal]) -> str:
    documents = list(dict.fromkeys(each.document for each in proposals))
    if not documents:
        raise NotFoundError("nobody has proposed anything that waits for your signature", hint="See: rein status")
    if len(documents) == 1:
        return str(documents[0].id)
    listed = [_described(next(each for each in proposals if each.document == signed)) for signed in documents]
    return str(documents[cli.terminal.choose("proposal", listed, "--document")].id)


def _described(proposal: Proposal) -> str:
    if proposal.ending is Ending.REFUND or proposal.worker_amount is None:
        return f"refund, by the {proposal.author.value}: {proposal.document.document.reason}"
    return (
        f"settlement, by the {proposal.author.value}: {format_btc(proposal.worker_amount)} BTC to the worker: "
        f"{proposal.document.document.terms}"
    )


def _say_what_is_open(cli: Cli, order: Order) -> None:
    mine = [each for each in order.settlements if each.document.master_address == cli.session.address]
    if mine:
        amounts = ", ".join(f"{format_btc(each.document.worker_amount)} BTC" for each in mine)
        cli.terminal.say(f"You have proposed {amounts} to the worker before; the other may still take that.")
