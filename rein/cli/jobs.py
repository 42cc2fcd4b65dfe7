"""`rein jobs`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from rein.cli.common import Cli, command, day, number
from rein.cli.listing import btc, cut, list_options, paging, price, rated, say_where, stars
from rein.cli.terminal import safe_line
from rein.protocol.orders import Order
from rein.protocol.reputation import Ratings
from rein.workflows.cases import roles_in
from rein.workflows.desk import Desk
from rein.workflows.market import JOB_SORTS, JobFilter, find_jobs, is_open, lowest_bid, newest_block
from rein.workflows.reputation import known_ratings

SECONDS_A_DAY = 86_400


@command("jobs")
@click.argument("text", nargs=-1)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag; all of them, if given several times.")
@click.option("--min-price", metavar="BTC", help="With a bid of at least this.")
@click.option("--max-price", metavar="BTC", help="With a bid of at most this.")
@click.option("--all", "all_of_them", is_flag=True, help="Also what is given away or has expired.")
@click.option("--mine", is_flag=True, help="Those in which you have a part, in whatever state.")
@click.option("--mediator", metavar="WHO", help="Name, master address or SIN of the mediator.")
@click.option("--creator", metavar="WHO", help="Name, master address or SIN of the job creator.")
@click.option("--expires-within", metavar="DAYS", help="Bids are wanted for no longer than that.")
@list_options(JOB_SORTS)
def jobs(
    cli: Cli,
    text: tuple[str, ...],
    tags: tuple[str, ...],
    min_price: str | None,
    max_price: str | None,
    all_of_them: bool,
    mine: bool,
    mediator: str | None,
    creator: str | None,
    expires_within: str | None,
    sort: str,
    reverse: bool,
    page_number: str,
    limit: str,
    hidden_too: bool,
) -> None:
    """List the jobs you could bid on, and your own among them. Whether one has expired is told by the chain's time.

    Example: rein jobs piano --tag music --sort expiry
    """
    desk = cli.desk
    _ = desk.identity
    seen = newest_block(desk)
    now = seen.time if seen else None
    wanted = JobFilter(
        text=" ".join(text),
        tags=tuple(tag.strip().lower() for tag in tags),
        min_price=price(min_price),
        max_price=price(max_price),
        open_only=not (all_of_them or mine),
        mediator=mediator,
        creator=creator,
        mine=mine,
        expires_within=number(expires_within, "the number of days") * SECONDS_A_DAY if expires_within else None,
        hidden_too=hidden_too,
    )
    shown = cut(find_jobs(desk, wanted, now, sort), page_number, limit, reverse=reverse)
    ratings = known_ratings(desk)
    say_jobs(cli, shown.rows, now, ratings)
    say_where(cli, shown, "jobs")
    cli.terminal.result({"jobs": [job_data(desk, each, now, ratings) for each in shown.rows], **paging(shown)})


def say_jobs(cli: Cli, orders: Sequence[Order], now: int | None, ratings: Ratings) -> None:
    """Jobs as a table."""
    if not orders:
        return
    rows = []
    for order in orders:
        job = order.job.document
        roles = "/".join(sorted(role.value for role in roles_in(order, cli.desk.address)))
        until = day(job.expires) if is_open(order, now) else ("expired" if order.offer is None else order.state.value)
        creator = f"{safe_line(job.creator, 16)} {stars(ratings.average(job.creator_master_address))}"
        name = job.name + (f"  [{', '.join(job.tags)}]" if job.tags else "")
        rows.append((job.job_id, until, str(len(order.bids)), btc(lowest_bid(order)), roles or "-", creator, name))
    cli.terminal.table(("Job ID", "Open until", "Bids", "Lowest BTC", "You are", "By", "Job"), rows)


def job_data(desk: Desk, order: Order, now: int | None, ratings: Ratings) -> dict[str, Any]:
    """A job for programs."""
    job = order.job.document
    return {
        "job_id": job.job_id,
        "job_document": order.id,
        "name": job.name,
        "tags": list(job.tags or ()),
        "description": job.description,
        "state": order.state.value,
        "open": is_open(order, now),
        "expires": job.expires,
        "roles": sorted(role.value for role in roles_in(order, desk.address)),
        "creator": {
            "name": job.creator,
            "master_address": job.creator_master_address,
            **rated(ratings, job.creator_master_address),
        },
        "mediator": {
            "name": job.mediator,
            "master_address": job.mediator_master_address,
            **rated(ratings, job.mediator_master_address),
        },
        "bids": len(order.bids),
        "lowest_bid_sat": lowest_bid(order),
    }
