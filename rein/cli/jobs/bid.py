"""`rein bid`"""

from __future__ import annotations

from pathlib import Path

import click

from rein.btc.amounts import Sat
from rein.cli.common import Cli, command, dry_run_option, first, form_option, job_option, pay_to_option
from rein.cli.toolkit.amounts import typed_amount
from rein.cli.toolkit.choose import pick_order
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.listing import person
from rein.cli.toolkit.show import say_document, say_where_paid, say_written
from rein.errors import NotFoundError
from rein.protocol.orders import Order
from rein.workflows.jobs.bid import check_amount, commit, job_to_bid_on, open_jobs, prepare
from rein.workflows.market.reputation import Averages, known_ratings


@command("bid", writes=True)
@job_option
@click.option("--description", help="What you would do, and by when.")
@click.option("--amount", metavar="BTC", help="Your price in BTC, such as 0.015, or with its unit: 1500000sat.")
@click.option("--sealed", is_flag=True, help="Only the job creator can read it, until they give you the job.")
@pay_to_option
@form_option
@dry_run_option
def bid(
    cli: Cli,
    job: str | None,
    description: str | None,
    amount: str | None,
    sealed: bool,
    pay_to: str | None,
    form_file: Path | None,
    dry_run: bool,
) -> None:
    """Bid on a job that is open.

    Example: rein bid --jobid n0qlna45dgynluhtl0gf --amount 0.015 --description "Within three days"
    """
    terminal, session, form = cli.terminal, cli.session, read_form(form_file, "Rein Bid")
    wanted = first(job, form.get("Job ID"))
    order = job_to_bid_on(session, wanted) if wanted is not None else _choose(cli)
    description = cli.text(description, "Description", "--description", form=form.get("Description"))

    def price(text: str) -> Sat:
        given = typed_amount(terminal, text, "your price")
        check_amount(order, given)
        return given

    asked = cli.answer(first(amount, form.get("Bid amount (BTC)")), "Bid amount (BTC)", "--amount", price)
    paid_at = say_where_paid(cli, pay_to)
    result = commit(session, prepare(session, order, description, asked, paid_at, sealed=sealed), dry_run=dry_run)
    if result.carried is None:
        say_written(cli, result, "Publish it with `rein sync`.")
        return
    terminal.say("What the job creator reads:")
    say_document(cli, result.carried, in_full=dry_run)
    terminal.say()
    terminal.say("What everybody sees:")
    say_written(cli, result, "Publish it, still sealed, with `rein sync`.")


def _choose(cli: Cli) -> Order:
    """The job a person picks.

    :raises NotFoundError: none is open.
    """
    jobs = open_jobs(cli.session)
    if not jobs:
        raise NotFoundError("no job is open for bids", hint="Look again later, or register more servers.")
    ratings = known_ratings(cli.session)
    listed = [
        f"{each.job.document.name}  by {_creator(each, ratings)}: {each.job.document.description}" for each in jobs
    ]
    return pick_order(cli, jobs, listed)


def _creator(order: Order, ratings: Averages) -> str:
    return person(order.job.document.creator, ratings, order.job.document.creator_master_address)
