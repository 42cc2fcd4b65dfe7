"""`rein jobs`"""

from __future__ import annotations

from collections.abc import Sequence

import click

from rein.cli.common import Cli, as_of, command, day, number
from rein.cli.console.layout import cut as cut_line
from rein.cli.console.terminal import safe_line
from rein.cli.jobs.budget import typed_deadline
from rein.cli.toolkit.listing import cut, list_options, prices, say_where, stars
from rein.cli.toolkit.listing import tags as read_tags
from rein.cli.toolkit.units import are, price
from rein.workflows.market.listings import JOB_SORTS, JobFilter, ListedJob, find_jobs, listed, open_market
from rein.workflows.orders.view import OrderView

SECONDS_A_DAY = 86_400


@command("jobs")
@click.argument("text", nargs=-1)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag; all of them, if given several times.")
@click.option("--min-price", metavar="BTC", help="Minimum price of the lowest bid.")
@click.option("--max-price", metavar="BTC", help="Maximum price of the lowest bid.")
@click.option("--min-budget", metavar="BTC", help="Whose creator would pay at least this.")
@click.option("--max-budget", metavar="BTC", help="Whose creator would be content to pay at most this.")
@click.option("--deadline-before", metavar="DATE", help="To be delivered by this day: YYYY-MM-DD.")
@click.option("--all", "all_of_them", is_flag=True, help="Also what is given away or expired.")
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
    min_budget: str | None,
    max_budget: str | None,
    deadline_before: str | None,
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
    """List the jobs you could bid on, and your own among them. Whether one has expired follows from the chain's time.

    Example: rein jobs piano --tag music --sort expiry
    """
    session = cli.session
    _ = session.identity
    now = open_market(session)
    lowest, highest = prices(min_price, max_price)
    least, most = prices(min_budget, max_budget, "budget", "budget")
    wanted = JobFilter(
        text=" ".join(text),
        tags=read_tags(tags),
        min_price=lowest,
        max_price=highest,
        open_only=not (all_of_them or mine),
        mediator=mediator,
        creator=creator,
        mine=mine,
        expires_within=number(expires_within, "the number of days") * SECONDS_A_DAY if expires_within else None,
        min_budget=least,
        max_budget=most,
        deadline_before=typed_deadline(deadline_before or ""),
        hidden_too=hidden_too,
    )
    shown = cut(find_jobs(session, wanted, now, sort), page_number, limit, reverse=reverse)
    found = listed(session, shown.rows, now)
    say_jobs(cli, found)
    say_where(cli, shown, "jobs", lambda: job_advice(cli, wanted, now))
    say_as_of(cli)
    cli.terminal.result({"jobs": [each.json() for each in found], **shown.json()})


def job_advice(cli: Cli, wanted: JobFilter, now: int | None) -> str:
    """What to do where no job is wanted: ask for less, as far as that finds something."""
    others = JobFilter(open_only=wanted.open_only, mine=wanted.mine)
    if wanted != others and (count := len(find_jobs(cli.session, others, now))):
        more = "; also what is given away or expired: --all" if wanted.open_only else ""
        return f"{are(count)} there without these filters{more}"
    if wanted.open_only and (count := len(find_jobs(cli.session, JobFilter(), now))):
        return f"{are(count)} given away or expired: --all. Fetch what is new: rein sync"
    if wanted.mine:
        return "You have a part in none yet. Find one with `rein jobs`, or post one with `rein post`."
    return "Fetch what is new: rein sync"


def say_as_of(cli: Cli) -> None:
    """When what is listed was fetched."""
    cli.terminal.note(cli.terminal.here(f"As of {as_of(cli.session.store.learned.fetched(cli.session.network.name))}"))


def say_jobs(cli: Cli, jobs: Sequence[ListedJob]) -> None:
    """Jobs as a table."""
    if jobs:
        cli.terminal.table(
            ("Job ID", "Open until", "Bids", "BTC", "You are", "By", "Job"), [_row(each) for each in jobs]
        )


def _row(listed: ListedJob) -> tuple[str, ...]:
    job = listed.order
    given_away = job.state.value if job.worker_address is not None else "expired"
    bids = f"{len(job.bids)}" + (f" +{job.sealed_bids} sealed" if job.sealed_bids else "")
    creator = f"{cut_line(safe_line(job.creator), 16)} {stars(listed.creator.average)}"
    name = "  ".join(filter(None, (job.name, tags_of(job), wants_of(job))))
    until = day(job.expires) if listed.is_open else given_away
    return job.job_id, until, bids, price(job), "/".join(listed.roles) or "-", creator, name


def tags_of(job: OrderView) -> str:
    return f"[{', '.join(job.tags)}]" if job.tags else ""


def wants_of(job: OrderView) -> str:
    """The budget and the deadline, which bind nobody."""
    parts = [f"{job.budget} BTC"] if job.budget else []
    return ", ".join([*parts, f"by {job.deadline}"] if job.deadline else parts)
