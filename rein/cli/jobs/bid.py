"""`rein bid`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.cli.common import Cli, command, dry_run_option, first, form_option, job_option, pay_to_option
from rein.cli.toolkit.amounts import typed_amount
from rein.cli.toolkit.listing import person
from rein.cli.toolkit.show import finish, say_document, say_where_paid
from rein.errors import NotFoundError
from rein.protocol.orders import Order
from rein.workflows.jobs.bid import build_bid, open_jobs
from rein.workflows.jobs.sealed_bids import build_sealed_bid
from rein.workflows.market.reputation import Averages, known_ratings
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order
from rein.workflows.orders.tip import newest_block


@command("bid", writes=True)
@job_option
@click.option("--description", help="What you would do, and by when.")
@click.option("--amount", metavar="BTC", help="Your price in BTC, such as 0.015, or with its unit: 1500000sat.")
@click.option("--sealed", is_flag=True, help="Only the job creator can read it, until he gives you the job.")
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
    from rein.cli.toolkit.form import read_form

    terminal, session, form = cli.terminal, cli.session, read_form(form_file, "Rein Bid")
    _ = session.identity
    pull(session)
    seen = newest_block(session)
    now = seen.time if seen else None
    wanted = first(job, form.get("Job ID"))
    if wanted is None:
        jobs = open_jobs(session, now)
        if not jobs:
            raise NotFoundError("no job is open for bids", hint="Look again later, or register more servers.")
        ratings = known_ratings(session)
        listed = [
            f"{each.job.document.name}  by {_creator(each, ratings)}: {each.job.document.description}" for each in jobs
        ]
        order = jobs[terminal.choose("job", listed, "--jobid")]
    else:
        order = find_order(session, wanted)
    description = cli.text(description, "Description", "--description", form=form.get("Description"))
    price = partial(typed_amount, terminal, what="your price")
    asked = cli.answer(first(amount, form.get("Bid amount (BTC)")), "Bid amount (BTC)", "--amount", price)
    paid_at = say_where_paid(cli, pay_to)
    if not sealed:
        signed = build_bid(session, order, description, asked, now, paid_at)
        finish(cli, signed, dry_run=dry_run, next_step="Publish it with `rein sync`.")
        return
    document, carried = build_sealed_bid(session, order, description, asked, now, paid_at)
    terminal.say("What the job creator reads:")
    say_document(cli, carried, in_full=dry_run)
    terminal.say()
    terminal.say("What everybody sees:")
    finish(cli, document, dry_run=dry_run, next_step="Publish it, still sealed, with `rein sync`.", carried=carried)


def _creator(order: Order, ratings: Averages) -> str:
    return person(order.job.document.creator, ratings, order.job.document.creator_master_address)
