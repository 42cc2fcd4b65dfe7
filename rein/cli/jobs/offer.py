"""`rein offer`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.btc.amounts import format_btc
from rein.btc.feerate import format_feerate
from rein.cli.common import Cli, command, dry_run_option, first, form_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.toolkit.listing import person
from rein.cli.toolkit.show import finish
from rein.cli.toolkit.terminal import safe_line
from rein.cli.toolkit.units import amount
from rein.errors import InputError, NotFoundError
from rein.escrow.terms import MIN_RESERVE_FEERATE, offer_amounts
from rein.protocol.documents import Bid
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.jobs.offer import bids_on_my_jobs, build_offer, find_bid
from rein.workflows.jobs.sealed_bids import unseal_bids
from rein.workflows.market.reputation import Averages, known_ratings
from rein.workflows.orders.feeds import pull
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate

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
    from rein.cli.toolkit.form import read_form

    terminal, session, form = cli.terminal, cli.session, read_form(form_file, "Rein Offer")
    _ = session.identity
    pull(session)
    unseal_bids(session)
    wanted = first(bid, form.get("Bid"), _bid_of_worker(session, form), form.get("Job ID"))
    if wanted is None:
        candidates = bids_on_my_jobs(session)
        if not candidates:
            raise NotFoundError("there is no bid on an open job of yours", hint="Look again later: rein sync")
        ratings = known_ratings(session)
        listed = [_line(order, each, ratings) for order, each in candidates]
        order, chosen = candidates[terminal.choose("bid", listed, "--bid")]
    else:
        order, chosen = find_bid(session, wanted)
    rate = parse_feerate(feerate) or max(MIN_RESERVE_FEERATE, current_feerate(session))
    amounts = offer_amounts(order.job.document, chosen.document, rate)
    sums = " and ".join(map(amount, amounts.values()))
    terminal.say(
        f"You would pay {sums} into escrow. Of each, {format_feerate(rate)} sat/vB "
        "of the largest payment is kept for the miner; what the miner leaves of it comes back to you."
    )
    worker, price = safe_line(chosen.document.worker), amount(chosen.document.amount)
    if not dry_run:
        terminal.confirm(f"Give {safe_line(order.job.document.name)} to {worker} for {price}?")
    signed = build_offer(session, order, chosen, rate)
    finish(cli, signed, dry_run=dry_run, next_step="Publish it with `rein sync`, then pay: `rein fund`.")


def _line(order: Order, bid: Signed[Bid], ratings: Averages) -> str:
    said = bid.document
    worker = person(said.worker, ratings, said.worker_master_address)
    return f"{format_btc(said.amount)} BTC  by {worker} for {order.job.document.name}: {said.description}"


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
