"""The one way in which a command signs money: show a frozen plan, ask, and sign exactly that plan.

Nothing is planned between the question and the signature. What signs (`rein.workflows.money`) refuses a plan that the
chain does not carry any more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from rein.cli.common import Cli
from rein.cli.console.terminal import safe
from rein.cli.toolkit.show import say_payouts, say_written
from rein.store.tables.escrows import Payment
from rein.workflows.money.completion import CompletionPlan, PaymentsResult
from rein.workflows.money.plan import Plan
from rein.workflows.orders.outbox import DocumentResult

P = TypeVar("P")
R = TypeVar("R")

PUBLISH_TO_AGREE = "Publish it with `rein sync`; then another can agree to it."


def commit_shown(
    cli: Cli, plan: P, show: Callable[[P], None], question: str, commit: Callable[..., R], *, dry_run: bool, **more: Any
) -> R:
    """Show, ask unless this is a dry run, and commit what was shown.

    :param plan: whatever is to be signed, which nothing changes any more.
    :param commit: takes the session, the plan, `dry_run`, and what else is given here.
    """
    show(plan)
    if not dry_run:
        cli.terminal.confirm(question)
    return commit(cli.session, plan, dry_run=dry_run, **more)


def say_plan(cli: Cli, plan: Plan) -> None:
    """The payments of a plan, and what to know beside them."""
    if plan.payouts:
        say_payouts(cli, plan.payouts.values())
    for each in plan.remarks:
        cli.terminal.note(safe(each), vital=True)


def say_completion(cli: Cli, plan: CompletionPlan) -> None:
    """Payments that wait for this person's signature."""
    for each in plan.remarks:
        cli.terminal.note(f"Beware: {safe(each)}.", vital=True)
    say_payouts(cli, plan.payouts)


def send_shown(cli: Cli, plan: CompletionPlan, commit: Callable[..., PaymentsResult], *, dry_run: bool) -> None:
    """Show payments, ask, sign, and give them to the network."""
    question = "Sign and send it?" if len(plan.ready) == 1 else "Sign and send them?"
    show, tell = partial(say_completion, cli), partial(say_sent, cli)
    result = commit_shown(cli, plan, show, question, commit, dry_run=dry_run, on_sent=tell)
    if dry_run:
        cli.terminal.say("This was a dry run: nothing was sent.")
    elif result.sent:
        it = "It waits" if len(result.sent) == 1 else "They wait"
        job_id = plan.order.job.document.job_id
        cli.terminal.advise(f"{it} for a block. See the job: `rein status --jobid {job_id}`")
    cli.terminal.result(result.json())


def say_sent(cli: Cli, payment: Payment) -> None:
    cli.terminal.say(f"Sent in transaction {payment.txid}.")


def say_repeated(cli: Cli, result: DocumentResult | PaymentsResult, what: str, next_step: str) -> None:
    """What was done already, by this command or another: it is shown, and nothing is done."""
    cli.terminal.say(f"Already done: {what}.")
    if isinstance(result, DocumentResult):
        say_written(cli, result, next_step)
        return
    for each in result.sent:
        say_sent(cli, each)
    cli.terminal.advise(next_step)
    cli.terminal.result(result.json())


def say_words(cli: Cli, who: str, text: Any) -> None:
    """What somebody says in a document."""
    cli.terminal.say(f"{who}:")
    cli.terminal.say("  " + safe(str(text)).replace("\n", "\n  "))
