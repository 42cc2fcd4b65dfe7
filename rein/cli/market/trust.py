"""`rein trust`"""

from __future__ import annotations

from typing import Any

import click

from rein.cli.common import Cli, command
from rein.cli.market.mediators import in_words, look_up
from rein.cli.toolkit.listing import stars
from rein.cli.toolkit.terminal import safe_line
from rein.protocol.documents import Rating
from rein.protocol.enrollments import Enrollments
from rein.protocol.reputation import Link, Ratings, counted, not_counted
from rein.protocol.signed import Signed
from rein.workflows.market.reputation import entries_of, find_person, rated_orders, record_of
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.session import Session


@command("trust")
@click.argument("name")
@click.option("--explain", is_flag=True, help="Every rating and every link behind the numbers.")
def trust(cli: Cli, name: str, explain: bool) -> None:
    """See how somebody was rated, and how far you may trust that: the mean of all links from you, directly or through
    one person you rated. A rating counts only if the chain shows that its job ended.

    Example: rein trust Alice --explain
    """
    session, terminal = cli.session, cli.terminal
    person = find_person(session, name)
    address = person.master_address
    look_up(cli, entries_of(session, address))
    orders = rated_orders(session, session.address, address)
    ratings = Ratings(counted(orders))
    found = ratings.trust(session.address, address)
    void = [(each, why) for each, why in not_counted(orders) if each.document.rated_master_address == address]
    record = record_of(entries_of(session, address), address)
    terminal.say(terminal.bold(f"{safe_line(person.user)}  {address}"))
    terminal.say(f"  SIN         {person.sin}")
    terminal.say(f"  rated       {stars(ratings.average(address))}")
    score = found.score
    trust = f"{score} by {score.count:,} links from you" if score.count else "unknown: nobody you trust rated them"
    terminal.say(f"  trust       {trust}")
    if record.cases:
        terminal.say(f"  mediated    {in_words(record)}")
    if void:
        terminal.say(f"  not counted {len(void)} ratings" + ("" if explain else "; see why: --explain"))
    if explain:
        _explain(cli, ratings.of(address), found.links, void)
    terminal.result(
        {
            "name": person.user,
            "master_address": address,
            "sin": person.sin,
            "rating_tenths": ratings.average(address).tenths,
            "ratings": [_data(each) for each in ratings.of(address)],
            "trust_tenths": found.score.tenths,
            "links": [_link(each) for each in found.links],
            "not_counted": [_data(each) | {"why": why} for each, why in void],
            "mediated": vars(record),
        }
    )


def _explain(
    cli: Cli, given: tuple[Signed[Rating], ...], links: tuple[Link, ...], void: list[tuple[Signed[Rating], str]]
) -> None:
    terminal, names = cli.terminal, load_enrollments(cli.session)
    terminal.say("Ratings that count:" if given else "No rating counts.")
    for each in given:
        terminal.say(f"  {_told(cli.session, names, each)}")
    if links:
        terminal.say("Links from you (strength: the smaller of your trust and the rating):")
    for link in links:
        through = "yourself" if link.trusted_by is None else _name(cli.session, names, link.through)
        terminal.say(
            f"  {link.strength} = min({link.trusted}, {link.rating.document.rating})  "
            f"{'you rated directly' if link.trusted_by is None else f'through {through}, whom you gave {link.trusted}'}"
        )
    for each, why in void:
        terminal.say(f"  does not count: {_told(cli.session, names, each)}: {why}")


def _told(session: Session, names: Enrollments, signed: Signed[Rating]) -> str:
    rating = signed.document
    comment = f': "{safe_line(rating.comment, 80)}"' if rating.comment else ""
    return (
        f"{rating.rating}  by {_name(session, names, rating.master_address)}, the {rating.role.value}, of the "
        f"{rating.rated_role.value} in job {rating.job_id}{comment}"
    )


def _name(session: Session, names: Enrollments, address: str) -> str:
    """A name says little, since anybody may bear it: the address is beside it."""
    signed = names.current(session.network, address)
    return f"{safe_line(signed.document.user, 30)} ({address})" if signed else address


def _data(signed: Signed[Rating]) -> dict[str, Any]:
    rating = signed.document
    return {
        "document_id": signed.id,
        "job_id": rating.job_id,
        "job_document": rating.job_document,
        "rater": rating.master_address,
        "rater_role": rating.role.value,
        "rated_role": rating.rated_role.value,
        "rating": rating.rating,
        "comment": rating.comment,
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "through": link.through,
        "trusted": link.trusted,
        "rating": link.rating.document.rating,
        "strength": link.strength,
        "rating_document": link.rating.id,
        "trusted_by_document": link.trusted_by.id if link.trusted_by else None,
    }
