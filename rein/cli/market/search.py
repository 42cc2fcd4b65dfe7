"""`rein search`"""

from __future__ import annotations

from typing import Any

import click

from rein.cli.common import Cli, command
from rein.cli.market.jobs import job_advice, job_data, say_jobs
from rein.cli.toolkit.listing import cut, list_options, paging, rated, say_where, stars
from rein.protocol.documents import Enrollment
from rein.workflows.market.listings import JOB_SORTS, JobFilter, find_jobs, find_people, newest_block
from rein.workflows.market.reputation import Averages, known_ratings


@command("search")
@click.argument("text", nargs=-1, required=True)
@click.option("--all", "all_of_them", is_flag=True, help="Also jobs that are given away or have expired.")
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
    seen = newest_block(session)
    now = seen.time if seen else None
    wanted = JobFilter(text=words, open_only=not all_of_them, hidden_too=hidden_too)
    jobs = cut(find_jobs(session, wanted, now, sort), page_number, limit, reverse=reverse)
    people = cut(find_people(session, words), page_number, limit, reverse=False)
    ratings = known_ratings(session)
    say_jobs(cli, jobs.rows, now, ratings)
    say_where(cli, jobs, "jobs", lambda: job_advice(cli, wanted, now))
    if people.rows:
        cli.terminal.say()
        rows = [
            (each.master_address, each.user, stars(ratings.average(each.master_address)), each.contact)
            for each in people.rows
        ]
        cli.terminal.table(("Master address", "Name", "Rated", "Contact"), rows)
    say_where(cli, people, "people", lambda: "Every word must be in the name, contact, address or SIN.")
    cli.terminal.result(
        {
            "jobs": [job_data(session, each, now, ratings) for each in jobs.rows],
            "people": [_data(each, ratings) for each in people.rows],
            "jobs_paging": paging(jobs),
            "people_paging": paging(people),
        }
    )


def _data(person: Enrollment, ratings: Averages) -> dict[str, Any]:
    return {
        **rated(ratings, person.user, person.master_address),
        "contact": person.contact,
        "mediator": person.willing_to_mediate,
    }
