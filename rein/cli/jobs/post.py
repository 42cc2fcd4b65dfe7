"""`rein post`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.btc.networks import MAINNET
from rein.cli.common import Cli, command, dry_run_option, first, form_option, number, pay_to_option
from rein.cli.jobs.budget import typed_budget, typed_deadline
from rein.cli.market.mediators import in_words
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.listing import person
from rein.cli.toolkit.show import say_where_paid, say_written
from rein.errors import InputError, NotFoundError
from rein.protocol.documents import Enrollment
from rein.protocol.limits import MAX_NAME
from rein.protocol.signed import Signed
from rein.protocol.values import format_fee, typed_tags
from rein.workflows.jobs.post import JobDraft, commit, current_mediator, current_mediators, prepare
from rein.workflows.market.reputation import Averages, Mediator, known_ratings


@command("post", writes=True)
@click.option("--name", help="What the job is called.")
@click.option("--description", help="What is to be done, and by when.")
@click.option("--tags", help="Such as: music, recording")
@click.option("--expires", metavar="DAYS", help="Days for which bids are wanted.")
@click.option("--budget", metavar="BTC", help='What you would pay: such as "up to 0.5" or 0.1-0.5')
@click.option("--deadline", metavar="DATE", help="Day by which you want the delivery: YYYY-MM-DD.")
@click.option("--mediator", metavar="WHO", help="Name, master address, SIN or public key of a mediator.")
@pay_to_option
@form_option
@dry_run_option
def post(
    cli: Cli,
    name: str | None,
    description: str | None,
    tags: str | None,
    expires: str | None,
    budget: str | None,
    deadline: str | None,
    mediator: str | None,
    pay_to: str | None,
    form_file: Path | None,
    dry_run: bool,
) -> None:
    """Post a job. Choose the mediator with care: in a dispute, that person decides.

    Example: rein post --name "Theme song" --description "Two minutes, FLAC" --mediator Alice
    """
    terminal, session, form = cli.terminal, cli.session, read_form(form_file, "Rein Job")
    wanted = first(mediator, form.get("Mediator", "Mediator public key", "Mediator master address"))
    chosen = current_mediator(session, wanted) if wanted is not None else _choose_mediator(cli)
    optional = None if terminal.asks_for_more and form_file is None else ""
    name = cli.line(first(name, form.get("Job name")), "Job name", "--name", MAX_NAME)
    given_tags = first(tags, form.get("Tags", "Category"), optional)
    chosen_tags = cli.answer(given_tags, "Tags (comma separated, may be empty)", "--tags", _tags, default="")
    description = cli.text(description, "Description", "--description", form=form.get("Description"))
    given_days = first(expires, form.get("Expiration (days)"), None if terminal.asks_for_more else "30")
    days = cli.answer(
        given_days,
        "Days for which bids are wanted",
        "--expires",
        lambda text: number(text, "the number of days"),
        default="30",
    )
    given_budget = first(budget, form.get("Budget (BTC)"), optional)
    read_budget = partial(typed_budget, terminal)
    limits = cli.answer(given_budget, "Budget, such as up to 0.5 (may be empty)", "--budget", read_budget, default="")
    given_deadline = first(deadline, form.get("Deadline"), optional)
    until = cli.answer(given_deadline, "Deadline, YYYY-MM-DD (may be empty)", "--deadline", typed_deadline, default="")
    if not dry_run:
        ask_about_tests(cli, f"{name}\n{description}")
    draft = JobDraft(name, description, chosen_tags, days, chosen, limits, until)
    paid_at = say_where_paid(cli, pay_to)
    result = commit(session, prepare(session, draft, paid_at), dry_run=dry_run)
    say_written(cli, result, "Publish it with `rein sync`.")


def _choose_mediator(cli: Cli) -> Signed[Enrollment]:
    """The mediator a person picks.

    :raises NotFoundError: nobody is known here.
    """
    known = current_mediators(cli.session)
    if not known:
        raise NotFoundError("no mediator is known here", hint="Register a server with `rein request`, then sync.")
    ratings = known_ratings(cli.session)
    chosen = cli.terminal.choose("mediator", [_line(each, ratings) for each in known], "--mediator")
    return known[chosen].enrollment


def ask_about_tests(cli: Cli, text: str) -> None:
    """Whoever only tries things out should not do it among people who want to work.

    :raises InputError: it is a test, says the person.
    """
    if cli.session.network is MAINNET and "test" in text.lower():
        warning = "This job speaks of a test, and it is for mainnet, where people work for real money."
        cli.terminal.note(f"{warning} To try things out: rein testnet true", vital=True)
        if cli.terminal.interactive:
            cli.terminal.confirm("Post it here all the same?")


def _line(mediator: Mediator, ratings: Averages) -> str:
    enrolled = mediator.enrollment.document
    fee = format_fee(enrolled.mediator_fee) if enrolled.mediator_fee is not None else "-"
    name = person(enrolled.user, ratings, enrolled.master_address)
    return f"{name}  {fee}  {enrolled.contact}  {enrolled.master_address}  {in_words(mediator.record)}"


def _tags(text: str) -> tuple[str, ...] | None:
    try:
        return typed_tags(text) or None
    except ValueError as error:
        raise InputError(f"--tags: {error}") from error
