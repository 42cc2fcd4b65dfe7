"""`rein search`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.cli.market.jobs import job_advice, say_as_of, say_jobs
from rein.cli.toolkit.listing import cut, list_options, say_where, stars
from rein.workflows.market.listings import (
    JOB_SORTS,
    JobFilter,
    find_jobs,
    find_people,
    listed,
    listed_people,
    open_market,
)


@command("search")
@click.argument("text", nargs=-1, required=True)
@click.option("--all", "all_of_them", is_flag=True, help="Also jobs that are given away or expired.")
@list_options(JOB_SORTS)
def search(
    cli: Cli,
    text: tuple[str, ...],
    all_of_them: bool,
    sort: str,
    reverse: bool,
    page_number: str,
    limit: str,
    hidden_too: bool,
) -> None:
    """Search jobs by their words and people by name, contact, address or SIN. Every word must be there.

    Example: rein search theme song
    """
    session, words = cli.session, " ".join(text)
    _ = session.identity
    now = open_market(session)
    wanted = JobFilter(text=words, open_only=not all_of_them, hidden_too=hidden_too)
    jobs = cut(find_jobs(session, wanted, now, sort), page_number, limit, reverse=reverse)
    people = cut(find_people(session, words), page_number, limit, reverse=False)
    listed_jobs, found = listed(session, jobs.rows, now), listed_people(session, people.rows)
    say_jobs(cli, listed_jobs)
    say_where(cli, jobs, "jobs", lambda: job_advice(cli, wanted, now))
    if found:
        cli.terminal.say()
        rows = [
            (each.person.master_address, each.person.name, stars(each.person.average), each.enrollment.contact)
            for each in found
        ]
        cli.terminal.table(("Master address", "Name", "Rated", "Contact"), rows)
    say_as_of(cli)
    say_where(cli, people, "people", lambda: "Every word must be in the name, contact, address or SIN.")
    cli.terminal.result(
        {
            "jobs": [each.json() for each in listed_jobs],
            "people": [each.json() for each in found],
            "jobs_paging": jobs.json(),
            "people_paging": people.json(),
        }
    )
