"""`rein trust`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe_line
from rein.cli.market.mediators import in_words
from rein.cli.toolkit.listing import stars
from rein.escrow.counted import counted
from rein.protocol.documents import Rating
from rein.protocol.enrollments import Enrollments
from rein.protocol.signed import Signed
from rein.workflows.market.trust import TrustReport, trust_report
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
    terminal, report = cli.terminal, trust_report(cli.session, name)
    person, score, record = report.person, report.trust.score, report.record
    terminal.say(terminal.bold(f"{safe_line(person.user)}  {person.master_address}"))
    terminal.say(f"  SIN         {person.sin}")
    terminal.say(f"  rated       {stars(report.average)}")
    trust = (
        f"{score} by {counted(score.count, 'link')} from you" if score.count else "unknown: nobody you trust rated them"
    )
    terminal.say(f"  trust       {trust}")
    if record.cases:
        terminal.say(f"  mediated    {in_words(record)}")
    if void := len(report.not_counted):
        terminal.say(f"  not counted {counted(void, 'rating')}" + ("" if explain else "; see why: --explain"))
    if explain:
        _explain(cli, report)
    terminal.result(report.json())


def _explain(cli: Cli, report: TrustReport) -> None:
    terminal, names, links = cli.terminal, load_enrollments(cli.session), report.trust.links
    terminal.say("Ratings that count:" if report.ratings else "No rating counts.")
    for each in report.ratings:
        terminal.say(f"  {_told(cli.session, names, each)}")
    if links:
        terminal.say("Links from you (strength: the smaller of your trust and the rating):")
    for link in links:
        through = "yourself" if link.trusted_by is None else _name(cli.session, names, link.through)
        terminal.say(
            f"  {link.strength} = min({link.trusted}, {link.rating.document.rating})  "
            f"{'you rated directly' if link.trusted_by is None else f'through {through}, whom you gave {link.trusted}'}"
        )
    for each, why in report.not_counted:
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
