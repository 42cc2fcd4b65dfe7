"""`rein offer`"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.btc.amounts import format_btc
from rein.btc.feerate import format_feerate
from rein.cli.common import Cli, command, dry_run_option, first, form_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.console.terminal import safe_line
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.listing import person
from rein.cli.toolkit.show import say_written
from rein.cli.toolkit.units import amount
from rein.errors import InputError, NotFoundError
from rein.protocol.documents import Bid
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.jobs.offer import bids_on_my_jobs, commit, fetch_bids, find_bid, prepare
from rein.workflows.market.reputation import Averages, known_ratings
from rein.workflows.session import Session

if TYPE_CHECKING:
    from rein.cli.toolkit.form import Form


@command("offer", writes=True)
@click.option("--bid", metavar="ID", help="The bid's document id or its beginning, or the Job ID if it has one bid.")
@click.option(
    "--feerate",
    metavar="SAT/VB",
    help="Kept in each escrow for the miner of the largest payment, 5 to 500. [estimated]",
)
@form_option
@dry_run_option
def offer(cli: Cli, bid: str | None, feerate: str | None, form_file: Path | None, dry_run: bool) -> None:
    """Give your job to one bid. A job can be offered once.

    Example: rein offer --bid 3f9a2c
    """
    terminal, session, form = cli.terminal, cli.session, read_form(form_file, "Rein Offer")
    fetch_bids(session)
    wanted = first(bid, form.get("Bid"), _bid_of_worker(session, form), form.get("Job ID"))
    order, chosen = find_bid(session, wanted) if wanted is not None else _choose(cli)
    plan = prepare(session, order, chosen, parse_feerate(feerate))
    if plan.made is not None:
        terminal.say("You offered the job to this bid before.")
        say_written(cli, commit(session, plan), _NEXT)
        return
    terminal.say(
        f"You would pay {' and '.join(map(amount, plan.amounts))} into escrow, {amount(plan.outlay)} in all. "
        f"Of each, {format_feerate(plan.feerate)} sat/vB of the largest payment is kept for the miner; what the miner "
        "leaves of it comes back to you."
    )
    worker, price = safe_line(chosen.document.worker), amount(chosen.document.amount)
    if not dry_run:
        terminal.confirm(f"Give {safe_line(order.job.document.name)} to {worker} for {price}?")
    say_written(cli, commit(session, plan, dry_run=dry_run), _NEXT)


_NEXT = "Publish it with `rein sync`, then pay: `rein fund`."


def _choose(cli: Cli) -> tuple[Order, Signed[Bid]]:
    """The bid a person picks: of each bidder the cheapest on each job is shown, and the others on request.

    :raises NotFoundError: there is none.
    """
    everything = sorted(bids_on_my_jobs(cli.session), key=lambda pair: (pair[0].id, pair[1].document.amount))
    if not everything:
        raise NotFoundError("there is no bid on an open job of yours", hint="Look again later: rein sync")
    ratings = known_ratings(cli.session)
    by_bidder: dict[tuple[str, str], list[tuple[Order, Signed[Bid]]]] = defaultdict(list)
    for order, bid in everything:
        by_bidder[order.id, bid.document.worker_master_address].append((order, bid))
    cheapest = [some[0] for some in by_bidder.values()]
    listed = [_line(*some[0], ratings, others=len(some) - 1) for some in by_bidder.values()]
    names = [_names(bid) for _, bid in cheapest]
    if len(everything) > len(cheapest):
        listed.append(f"All {len(everything)} bids, one by one")
        names.append(["all"])
    index = cli.terminal.choose("bid", listed, "--bid", names)
    if index < len(cheapest):
        return cheapest[index]
    every = [_line(order, bid, ratings) for order, bid in everything]
    return everything[cli.terminal.choose("bid", every, "--bid", [_names(bid) for _, bid in everything])]


def _names(bid: Signed[Bid]) -> list[str]:
    return [bid.id, bid.document.worker]


def _line(order: Order, bid: Signed[Bid], ratings: Averages, others: int = 0) -> str:
    said = bid.document
    worker = person(said.worker, ratings, said.worker_master_address)
    more = f" (and {others} more)" if others else ""
    return f"{format_btc(said.amount)} BTC  by {worker}{more} for {order.job.document.name}: {said.description}"


def _bid_of_worker(session: Session, form: Form) -> str | None:
    """The bid that a form names as in 2016: by the job and the worker's public key.

    :raises NotFoundError: there is no such bid.
    :raises InputError: the worker has made several.
    """
    key, job_id = form.get("Worker public key"), form.get("Job ID")
    if key is None:
        return None
    found = [
        bid.id
        for order, bid in bids_on_my_jobs(session)
        if order.job.document.job_id == job_id and bid.document.worker_public_key.hex() == key.lower()
    ]
    if not found:
        raise NotFoundError(f"no bid on an open job {job_id} of yours has the worker's public key {key[:130]}")
    if len(found) > 1:
        ids = ", ".join(each[:12] for each in found)
        raise InputError("that worker has made several bids on this job", hint=f"Name one of them with --bid: {ids}")
    return found[0]
