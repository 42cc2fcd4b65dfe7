"""`rein mediators`"""

from __future__ import annotations

from typing import Any

import click

from rein.cli.common import Cli, command, fee_points
from rein.cli.console.terminal import safe_line
from rein.cli.toolkit.listing import cut, list_options, say_where, stars
from rein.cli.toolkit.units import are
from rein.escrow.counted import counted
from rein.protocol.documents import Enrollment
from rein.protocol.values import format_fee
from rein.workflows.market.listings import is_described_by, open_market
from rein.workflows.market.reputation import ListedMediator, Record, listed_mediators
from rein.workflows.orders.people import normalised

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
    open_market(session)
    most = None if max_fee is None else fee_points(max_fee)
    everybody = listed_mediators(session, hidden_too=hidden_too)
    known = [each for each in everybody if _is_wanted(each.mediator.enrollment.document, " ".join(text), most)]
    known.sort(key=lambda each: _key(each, sort))
    shown = cut(known, page_number, limit, reverse=reverse)
    for each in shown.rows:
        _say(cli, each)
    advice = f"{are(len(everybody))} there without these filters" if everybody else _ADVICE
    say_where(cli, shown, "mediators", lambda: advice)
    terminal.result({"mediators": [each.json() for each in shown.rows], **shown.json()})


def _is_wanted(person: Enrollment, text: str, most: int | None) -> bool:
    return is_described_by(person, text) and (most is None or (person.mediator_fee or 0) <= most)


def in_words(record: Record) -> str:
    """A record in a sentence."""
    if not record.cases:
        return "no case known"
    text = (
        f"{counted(record.cases, 'case')}, {record.ended} ended, {record.disputed} disputed, {record.resolved} decided"
    )
    if record.resolved:
        text += (
            f" (for the creator {record.for_creator}, for the worker {record.for_worker}, even {record.even}; "
            f"median {counted(record.blocks_to_decide or 0, 'block')})"
        )
    return text + (f", {record.contradicted} CONTRADICTED" if record.contradicted else "")


def _say(cli: Cli, listed: ListedMediator) -> None:
    person, average, terminal = listed.mediator.enrollment.document, listed.person.average, cli.terminal
    fee = format_fee(person.mediator_fee) if person.mediator_fee is not None else "-"
    rating = f"rated {stars(average)}" if average.count else stars(average)
    terminal.say(terminal.bold(f"{safe_line(person.user)}  {fee}  {rating}"))
    terminal.say(f"  {person.master_address}  SIN {person.sin}")
    terminal.say(f"  {safe_line(person.contact, 80)}")
    terminal.say(f"  {in_words(listed.mediator.record)}")


def _key(listed: ListedMediator, sort: str) -> tuple[Any, ...]:
    person, record = listed.mediator.enrollment.document, listed.mediator.record
    name = normalised(person.user)
    keys: dict[str, tuple[Any, ...]] = {
        "name": (name,),
        "fee": (person.mediator_fee or 0,),
        "cases": (-record.ended, -record.cases),
        "rating": (-listed.person.average.tenths,),
    }
    return (*keys[sort], name, person.master_address)
