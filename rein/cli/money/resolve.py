"""`rein resolve` and `rein acceptresolution`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.btc.amounts import Sat
from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.console.terminal import safe_line
from rein.cli.money.award import award_prompt, price_of, read_award
from rein.cli.money.signing import commit_shown, say_completion, say_plan, say_sent, say_words
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import Form, read_form
from rein.cli.toolkit.show import advise_next, say_document, say_written
from rein.cli.toolkit.units import amount as amount_of
from rein.protocol.documents import DisputeResolution
from rein.protocol.orders import Order
from rein.workflows.money import accept_resolution
from rein.workflows.money import resolve as resolutions
from rein.workflows.money.plan import Plan


@command("resolve", writes=True)
@job_option
@click.option("--worker", metavar="AMOUNT", help="What the worker gets: an amount, all, nothing or 50%.")
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
    form, rate = read_form(form_file, DisputeResolution.TITLE), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), resolutions.orders_to_resolve, "resolve")
    for dispute in order.disputes:
        say_words(cli, f"The {dispute.document.role.value} says", dispute.document.detail)
    award = _award(cli, order, form, worker)
    rest = None if creator is None else read_award(cli, order, creator, "the creator's part")
    text = cli.text(resolution, "Resolution", "--resolution", form=form.get("Resolution"))
    plan = resolutions.prepare(cli.session, order, award, rest, resolution=text, feerate=rate)
    question = "Decide so and sign these payments?"
    result = commit_shown(cli, plan, partial(_show, cli), question, resolutions.commit, dry_run=dry_run)
    say_written(cli, result, "Publish it with `rein sync`.")


@command("acceptresolution", writes=True)
@job_option
@dry_run_option
def acceptresolution(cli: Cli, job: str | None, dry_run: bool) -> None:
    """Accept the mediator's decision: add your signature to its payments and send them.

    Example: rein acceptresolution --jobid n0qlna45dgynluhtl0gf
    """
    terminal = cli.terminal
    order = order_now(cli, job, accept_resolution.orders_to_accept_resolution, "accept the decision on")
    plan = accept_resolution.prepare(cli.session, order)
    mediator = safe_line(order.job.document.mediator)
    say_words(cli, f"The mediator {mediator} decides", plan.decision.document.resolution)
    result = commit_shown(
        cli,
        plan,
        partial(say_completion, cli),
        "Accept this decision, sign and send these payments?",
        accept_resolution.commit,
        dry_run=dry_run,
        on_sent=partial(say_sent, cli),
    )
    signed = result.written.signed
    say_document(cli, signed, in_full=dry_run)
    terminal.say()
    if dry_run:
        terminal.say("This was a dry run: nothing was stored and nothing was sent.")
    else:
        terminal.say(f"Stored as document {signed.id}.")
        advise_next(cli, "Publish it with `rein sync`.")
    terminal.result(result.json())


def _show(cli: Cli, plan: Plan) -> None:
    worker, creator = amount_of(plan.worker_amount), amount_of(plan.creator_amount)
    cli.terminal.say(f"The worker gets {worker}, the creator {creator} of the price.")
    say_plan(cli, plan)


def _award(cli: Cli, order: Order, form: Form, worker: str | None) -> Sat:
    """What the worker gets: as given, or what is left where a form says, as in 2016, what the client gets.

    :raises InputError: more than the price.
    """
    given, client = first(worker, form.get("Worker amount (BTC)")), form.get("Client payment amount (BTC)")
    if given is None and client is not None:
        rest = price_of(order) - read_award(cli, order, client, "the creator's part")
        return Sat(rest)
    return cli.answer(given, award_prompt(order), "--worker", partial(read_award, cli, order))
