"""`rein settle`, `rein refund` and `rein agree`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.btc.amounts import Sat, format_btc
from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.award import award_prompt, read_award
from rein.cli.money.signing import PUBLISH_TO_AGREE, commit_shown, say_plan, say_words, send_shown
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import say_written
from rein.errors import NotFoundError
from rein.protocol.documents import Refund, Settlement
from rein.protocol.orders import Order
from rein.workflows.money import agree as agreements
from rein.workflows.money import refund as refunds
from rein.workflows.money import settle as settlements
from rein.workflows.money.agree import OpenProposal
from rein.workflows.orders.load import open_orders
from rein.workflows.orders.next_step import orders_with_money


@command("settle", writes=True)
@job_option
@click.option("--worker", metavar="AMOUNT", help="What the worker gets: an amount, all, nothing or 50%.")
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
    form, rate = read_form(form_file, Settlement.TITLE), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), open_orders, "settle")
    part = partial(read_award, cli, order)
    gets = cli.answer(first(worker, form.get("Worker amount (BTC)")), award_prompt(order), "--worker", part)
    back = first(creator, form.get("Job creator amount (BTC)"))
    back_sat = None if back is None else part(back, "the creator's part")
    text = cli.text(terms, "Terms", "--terms", form=form.get("Terms"))
    plan = settlements.prepare(cli.session, order, gets, back_sat, terms=text, feerate=rate)
    _say_what_is_open(cli, order)
    question = "Propose this and sign these payments?"
    result = commit_shown(cli, plan, partial(say_plan, cli), question, settlements.commit, dry_run=dry_run)
    say_written(cli, result, PUBLISH_TO_AGREE)


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
    form, rate = read_form(form_file, Refund.TITLE), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), orders_with_money, "refund")
    text = cli.text(reason, "Reason", "--reason", form=form.get("Reason"))
    plan = refunds.prepare(cli.session, order, reason=text, feerate=rate)
    result = commit_shown(cli, plan, partial(say_plan, cli), "Sign these payments?", refunds.commit, dry_run=dry_run)
    say_written(cli, result, PUBLISH_TO_AGREE)


@command("agree", writes=True)
@job_option
@click.option("--document", metavar="ID", help="The settlement's or refund's document id, or its beginning.")
@dry_run_option
def agree(cli: Cli, job: str | None, document: str | None, dry_run: bool) -> None:
    """Agree to a settlement or a refund that another has proposed: add your signature and send the payments.

    Example: rein agree --jobid n0qlna45dgynluhtl0gf
    """
    session = cli.session
    order = order_now(cli, job, orders_with_money, "agree on")
    if document is None:
        document = _choose(cli, agreements.open_proposals(session, order))
    plan = agreements.prepare(session, order, document)
    said = plan.ready[0].proposal.document.document
    say_words(cli, f"The {said.role.value} says", said.reason if isinstance(said, Refund) else said.terms)
    send_shown(cli, plan, agreements.commit, dry_run=dry_run)


def _choose(cli: Cli, proposals: list[OpenProposal]) -> str:
    if not proposals:
        raise NotFoundError("nobody has proposed anything that waits for your signature", hint="See: rein status")
    if len(proposals) == 1:
        return str(proposals[0].document.id)
    listed = [_described(each) for each in proposals]
    return str(proposals[cli.terminal.choose("proposal", listed, "--document")].document.id)


def _described(proposal: OpenProposal) -> str:
    """One proposal on one line: what it is, how much goes to whom, and what its author says."""
    by, document = f"by the {proposal.proposal.author.value}", proposal.document.document
    if isinstance(document, Refund):
        back = Sat(sum(each.back for each in proposal.payouts))
        amounts = f"{format_btc(back)} BTC back to the creator" if proposal.payouts else "not as agreed"
        return f"refund, {by}: {amounts}: {document.reason}"
    award = proposal.proposal.worker_amount
    amounts = f"{format_btc(award)} BTC to the worker" if award is not None else "the price to the worker"
    return f"settlement, {by}: {amounts}: {getattr(document, 'terms', '')}"


def _say_what_is_open(cli: Cli, order: Order) -> None:
    mine = settlements.earlier_settlements(cli.session, order)
    if mine:
        amounts = ", ".join(f"{format_btc(each.document.worker_amount)} BTC" for each in mine)
        cli.terminal.say(f"You have proposed {amounts} to the worker before; the other may still take that.")
