"""`rein bids`"""

from __future__ import annotations

from typing import Any

import click

from rein.cli.common import Cli, command, job_option
from rein.cli.toolkit.listing import btc, cut, list_options, paging, prices, rated, say_where, stars
from rein.cli.toolkit.terminal import safe_line
from rein.protocol.values import DocumentId
from rein.workflows.jobs.sealed_bids import Unopened, unopened_bids, unseal_bids
from rein.workflows.market.listings import BID_SORTS, BidFilter, Offered, find_bids, is_open, load_offered
from rein.workflows.market.reputation import Averages, known_ratings
from rein.workflows.orders.tip import newest_block


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
    session = cli.session
    _ = session.identity
    seen = newest_block(session)
    now = seen.time if seen else None
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
    unopened = unseal_bids(session) if unseal else unopened_bids(session)
    still_sealed = session.store.documents.sealed_bids(session.network.name)
    shown = cut(find_bids(session, wanted, now, sort), page_number, limit, reverse=reverse)
    rows, ratings = load_offered(session, shown.rows), known_ratings(session)
    if rows:
        cli.terminal.table(
            ("Bid", "Job ID", "BTC", "Worker", "Status", "Says"),
            [_row(each, now, ratings, still_sealed) for each in rows],
        )
    say_where(cli, shown, "bids", lambda: _advice(cli))
    _say_unopened(cli, unopened)
    listed = [_data(each, now, ratings) | {"sealed": each.bid.id in still_sealed} for each in rows]
    cli.terminal.result({"bids": listed, "unopened": [_unopened_data(each) for each in unopened], **paging(shown)})


def _say_unopened(cli: Cli, unopened: list[Unopened]) -> None:
    for each in unopened:
        if each.reason is not None:
            name = f"{each.sealed.id[:12]} of {each.sealed.document.master_address}"
            cli.terminal.note(f"The sealed bid {name} cannot be opened: {each.reason.message}")
    count = sum(each.reason is None for each in unopened)
    if count:
        cli.terminal.advise(f"Sealed and not opened yet: {count}. Open them: rein bids --unseal")


def _unopened_data(unopened: Unopened) -> dict[str, Any]:
    document = unopened.sealed.document
    return {
        "document_id": unopened.sealed.id,
        "job_id": document.job_id,
        "job_document": unopened.order.id,
        "author": document.master_address,
        "problem": None if unopened.reason is None else unopened.reason.message,
    }


def _advice(cli: Cli) -> str:
    count = len(find_bids(cli.session, BidFilter(hidden_too=True), None))
    if not count:
        return "Here are those on your jobs and those you made. Find a job to bid on: rein jobs"
    return f"{count:,} are there without these filters: rein bids --hidden"


def _row(offered: Offered, now: int | None, ratings: Averages, still_sealed: set[DocumentId]) -> tuple[str, ...]:
    bid = offered.bid.document
    worker = f"{safe_line(bid.worker, 16)} {stars(ratings.average(bid.worker_master_address))}"
    standing = _standing(offered, now) + (", sealed" if offered.bid.id in still_sealed else "")
    return offered.bid.id[:12], bid.job_id, btc(bid.amount), worker, standing, bid.description


def _standing(offered: Offered, now: int | None) -> str:
    order = offered.order
    if order.bid is not None:
        return "chosen" if order.bid.id == offered.bid.id else "not chosen"
    return "open" if is_open(order, now) else order.state.value


def _data(offered: Offered, now: int | None, ratings: Averages) -> dict[str, Any]:
    bid = offered.bid.document
    return {
        "document_id": offered.bid.id,
        "job_id": bid.job_id,
        "job_document": offered.order.id,
        "job_name": bid.job_name,
        "amount_sat": bid.amount,
        "description": bid.description,
        "status": _standing(offered, now),
        "worker": rated(ratings, bid.worker, bid.worker_master_address) | {"contact": bid.worker_contact},
    }
