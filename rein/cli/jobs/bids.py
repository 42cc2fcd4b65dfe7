"""`rein bids`"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from rein.cli.common import Cli, command, job_option
from rein.cli.console.terminal import safe_line
from rein.cli.toolkit.listing import btc, cut, list_options, prices, say_where, stars
from rein.cli.toolkit.units import are
from rein.workflows.jobs.bid_list import BidRow, list_bids
from rein.workflows.jobs.sealed_bids import Unopened
from rein.workflows.market.listings import BID_SORTS, BidFilter, find_bids


@command("bids")
@job_option
@click.option("--mine", is_flag=True, help="Only the bids you made.")
@click.option("--open", "open_only", is_flag=True, help="Only on jobs that can still be given to somebody.")
@click.option("--worker", metavar="WHO", help="Name, master address or SIN of who bid.")
@click.option("--min-price", metavar="BTC", help="Minimum price.")
@click.option("--max-price", metavar="BTC", help="Maximum price.")
@click.option("--unseal", is_flag=True, help="Open the sealed bids on your jobs first.")
@list_options(BID_SORTS)
def bids(
    cli: Cli,
    job: str | None,
    mine: bool,
    open_only: bool,
    worker: str | None,
    min_price: str | None,
    max_price: str | None,
    unseal: bool,
    sort: str,
    reverse: bool,
    page_number: str,
    limit: str,
    hidden_too: bool,
) -> None:
    """List the bids on your jobs, and those you made.

    Example: rein bids --jobid n0qlna45dgynluhtl0gf --sort price
    """
    lowest, highest = prices(min_price, max_price)
    wanted = BidFilter(
        job=job,
        worker=worker,
        min_price=lowest,
        max_price=highest,
        open_only=open_only,
        mine=mine,
        hidden_too=hidden_too,
    )
    pages = partial(cut, page_number=page_number, limit=limit, reverse=reverse)
    found = list_bids(cli.session, wanted, sort, pages, unseal=unseal)
    if found.rows:
        headings = ("Bid", "Job ID", "BTC", "Worker", "Status", "Says")
        cli.terminal.table(headings, [_row(each) for each in found.rows])
    say_where(cli, found.page, "bids", lambda: _advice(cli))
    _say_unopened(cli, found.unopened)
    cli.terminal.result(found.json())


def _say_unopened(cli: Cli, unopened: Sequence[Unopened]) -> None:
    for each in unopened:
        if each.reason is not None:
            name = f"{each.sealed.id[:12]} of {each.sealed.document.master_address}"
            cli.terminal.note(f"The sealed bid {name} cannot be opened: {each.reason.message}")
    count = sum(each.reason is None for each in unopened)
    if count:
        cli.terminal.advise(f"Sealed and not opened yet: {count}. Open them: rein bids --unseal")


def _advice(cli: Cli) -> str:
    count = len(find_bids(cli.session, BidFilter(hidden_too=True), None))
    if not count:
        return "Here are those on your jobs and those you made. Find a job to bid on: rein jobs"
    return f"{are(count)} there without these filters: rein bids --hidden"


def _row(row: BidRow) -> tuple[str, ...]:
    bid = row.bid
    worker = f"{safe_line(bid.worker, 16)} {stars(row.worker.average)}"
    status = row.status + (", sealed" if row.sealed else "")
    return row.offered.bid.id[:12], bid.job_id, btc(bid.amount), worker, status, bid.description
