"""`rein mediators`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from rein.cli.common import Cli, command, fee_points
from rein.cli.toolkit.listing import cut, list_options, paging, rated, say_where, stars
from rein.cli.toolkit.terminal import safe_line
from rein.errors import ChainError, InputError
from rein.protocol.documents import Enrollment, Kind
from rein.protocol.values import format_fee
from rein.workflows.market.entries import Entry, entries
from rein.workflows.market.listings import is_spoken_of
from rein.workflows.market.reputation import (
    MAX_LOOKED_AT,
    Averages,
    Mediator,
    Record,
    known_ratings,
    mediators_with_records,
    prove_endings,
)

_ADVICE = "Fetch what is new: rein sync. Other servers may know some: rein request URL"
SORTS = ("name", "fee", "cases", "rating")


@command("mediators")
@click.argument("text", nargs=-1)
@click.option("--max-fee", metavar="PERCENT", help="Who asks no more than this of the price, such as 1.5.")
@list_options(SORTS)
def mediators(
    cli: Cli,
    text: tuple[str, ...],
    max_fee: str | None,
    sort: str,
    reverse: bool,
    page_number: str,
    limit: str,
    hidden_too: bool,
) -> None:
    """List who would mediate: fee, contact, ratings, and what signed documents and the chain prove of past cases.

    Anybody can play all three parts of a job, so look at who the others were: rein trust NAME --explain

    Example: rein mediators --max-fee 1.5 --sort cases
    """

    session, terminal = cli.session, cli.terminal
    _ = session.identity
    most = None if max_fee is None else fee_points(max_fee)
    look_up(cli, entries(session, session.store.orders.having(session.network.name, Kind.OFFER)))
    ratings = known_ratings(session)
    everybody = mediators_with_records(session, hidden_too=hidden_too)
    known = [each for each in everybody if _is_wanted(each.enrollment.document, " ".join(text), most)]
    known.sort(key=lambda each: _key(each, sort, ratings))
    shown = cut(known, page_number, limit, reverse=reverse)
    for each in shown.rows:
        _say(cli, each, ratings)
    advice = f"{len(everybody):,} are there without these filters" if everybody else _ADVICE
    say_where(cli, shown, "mediators", lambda: advice)
    terminal.result({"mediators": [_data(each, ratings) for each in shown.rows], **paging(shown)})


def _is_wanted(person: Enrollment, text: str, most: int | None) -> bool:
    return is_spoken_of(person, text) and (most is None or (person.mediator_fee or 0) <= most)


def look_up(cli: Cli, known: Sequence[Entry]) -> None:
    """Find out on the chain how jobs of others ended; say it where that cannot be done."""
    try:
        left = prove_endings(cli.session, known)
    except ChainError as error:
        cli.terminal.note(f"The chain was not looked at, so less is proved: {safe_line(error.message)}")
    else:
        if left:
            cli.terminal.note(f"{left:,} jobs were not looked up; {MAX_LOOKED_AT} are at once. Run it again for more.")


def in_words(record: Record) -> str:
    """A record in a sentence."""
    if not record.cases:
        return "no case known"
    cases = f"{record.cases} case{'s' * (record.cases != 1)}"
    text = f"{cases}, {record.ended} ended, {record.disputed} disputed, {record.resolved} decided"
    if record.resolved:
        text += (
            f" (for the creator {record.for_creator}, for the worker {record.for_worker}, even {record.even}; "
            f"median {record.blocks_to_decide} blocks)"
        )
    return text + (f", {record.contradicted} CONTRADICTED" if record.contradicted else "")


def _say(cli: Cli, mediator: Mediator, ratings: Averages) -> None:
    person, terminal = mediator.enrollment.document, cli.terminal
    fee = format_fee(person.mediator_fee) if person.mediator_fee is not None else "-"
    average = ratings.average(person.master_address)
    rating = f"rated {stars(average)}" if average.count else stars(average)
    terminal.say(terminal.bold(f"{safe_line(person.user)}  {fee}  {rating}"))
    terminal.say(f"  {person.master_address}  SIN {person.sin}")
    terminal.say(f"  {safe_line(person.contact, 80)}")
    terminal.say(f"  {in_words(mediator.record)}")


def _key(mediator: Mediator, sort: str, ratings: Averages) -> tuple[Any, ...]:
    person, record = mediator.enrollment.document, mediator.record
    keys: dict[str, tuple[Any, ...]] = {
        "name": (person.user.casefold(),),
        "fee": (person.mediator_fee or 0,),
        "cases": (-record.ended, -record.cases),
        "rating": (-ratings.average(person.master_address).tenths,),
    }
    if sort not in keys:
        raise InputError(f"{sort!r} is no order of this list")
    return (*keys[sort], person.user.casefold(), person.master_address)


def _data(mediator: Mediator, ratings: Averages) -> dict[str, Any]:
    person = mediator.enrollment.document
    return {
        **rated(ratings, person.user, person.master_address),
        "contact": person.contact,
        "enrollment": mediator.enrollment.id,
        "fee_basis_points": person.mediator_fee,
        **vars(mediator.record),
    }
