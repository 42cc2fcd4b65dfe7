"""`rein bids`"""

from __future__ import annotations

from typing import Any

import click

from rein.cli.common import Cli, command, job_option
from rein.cli.listing import btc, cut, list_options, paging, price, rated, say_where, stars
from rein.cli.terminal import safe_line
from rein.protocol.reputation import Ratings
from rein.workflows.market import BID_SORTS, BidFilter, Offered, find_bids, is_open, newest_block
from rein.workflows.reputation import known_ratings


@command("bids")
@job_option
@click.option("--mine", is_flag=True, help="Only the bids you made.")
@click.option("--open", "open_only", is_flag=True, help="Only on jobs that can still be given to somebody.")
@click.option("--worker", metavar="WHO", help="Name, master address or SIN of who bid.")
@click.option("--min-price", metavar="BTC", help="Of at least this.")
@click.option("--max-price", metavar="BTC", help="Of at most this.")
@list_options(BID_SORTS)
def bids(
    cli: Cli,
    job: str | None,
    mine: bool,
    open_only: bool,
    worker: str | None,
    min_price: str | None,
    max_price: str | None,
    sort: str,
    reverse: bool,
    page_number: str,
    limit: str,
    hidden_too: bool,
) -> None:
    """List the bids on your jobs, and those you made.

    Example: rein bids --jobid n0qlna45dgynluhtl0gf --sort price
    """
    desk = cli.desk
    _ = desk.identity
    seen = newest_block(desk)
    now = seen.time if seen else None
    wanted = BidFilter(
        job=job,
        worker=worker,
        min_price=price(min_price),
        max_price=price(max_price),
        open_only=open_only,
        mine=mine,
        hidden_too=hidden_too,
    )
    shown = cut(find_bids(desk, wanted, now, sort), page_number, limit, reverse=reverse)
    ratings = known_ratings(desk)
    if shown.rows:
        cli.terminal.table(
            ("Bid", "Job ID", "BTC", "Worker", "Status", "Says"),
            [_row(each, now, ratings) for each in shown.rows],
        )
    say_where(cli, shown, "bids")
    cli.terminal.result({"bids": [_data(each, now, ratings) for each in shown.rows], **paging(shown)})


def _row(offered: Offered, now: int | None, ratings: Ratings) -> tuple[str, ...]:
    bid = offered.bid.document
    worker = f"{safe_line(bid.worker, 16)} {stars(ratings.average(bid.worker_master_address))}"
    return offered.bid.id[:12], bid.job_id, btc(bid.amount), worker, _standing(offered, now), bid.description


def _standing(offered: Offered, now: int | None) -> str:
    order = offered.order
    if order.bid is not None:
        return "chosen" if order.bid.id == offered.bid.id else "not chosen"
    return "open" if is_open(order, now) else order.state.value


def _data(offered: Offered, now: int | None, ratings: Ratings) -> dict[str, Any]:
    bid = offered.bid.document
    return {
        "document_id": offered.bid.id,
        "job_id": bid.job_id,
        "job_document": offered.order.id,
        "job_name": bid.job_name,
        "amount_sat": bid.amount,
        "description": bid.description,
        "status": _standing(offered, now),
        "worker": {
            "name": bid.worker,
            "contact": bid.worker_contact,
            "master_address": bid.worker_master_address,
            **rated(ratings, bid.worker_master_address),
        },
    }
