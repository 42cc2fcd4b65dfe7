"""`rein rate`"""

from __future__ import annotations

from pathlib import Path

import click

from rein.cli.common import Cli, command, dry_run_option, first, form_option, job_option, number
from rein.cli.toolkit.choose import choose_order
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import say_written
from rein.errors import InputError
from rein.protocol.documents import Role
from rein.protocol.limits import MAX_RATING, MAX_REMARK
from rein.protocol.orders import Order
from rein.workflows.market.rate import commit, order_to_rate, orders_to_rate, prepare, unrated_roles

_ROLES = [role.value for role in Role]


@command("rate", writes=True)
@job_option
@click.option("--role", type=click.Choice(_ROLES), help="Whom you rate: their role in the job.")
@click.option("--rating", metavar="0-5", help="5 is the best.")
@click.option("--comment", help="What others should know; may be left out.")
@form_option
@dry_run_option
def rate(
    cli: Cli,
    job: str | None,
    role: str | None,
    rating: str | None,
    comment: str | None,
    form_file: Path | None,
    dry_run: bool,
) -> None:
    """Rate somebody you had a job with, once it is over. A rating cannot be changed.

    Example: rein rate --jobid n0qlna45dgynluhtl0gf --role worker --rating 5 --comment "On time"
    """
    terminal, session, form = cli.terminal, cli.session, read_form(form_file, "Rein Rating")
    wanted = first(job, form.get("Job ID"))
    order = order_to_rate(session, wanted) if wanted else choose_order(cli, orders_to_rate, "rate somebody in")
    rated = _role(cli, order, first(role, form.get("Rated role")))
    value = cli.answer(first(rating, form.get("Rating")), "Rating, 0 to 5", "--rating", _stars)
    told = first(form.get("Comment"), None if terminal.asks_for_more and form_file is None else "")
    comment = cli.text(comment, "Comment (may be empty)", "--comment", form=told, default="", limit=MAX_REMARK)
    plan = prepare(session, order, rated, value, comment.strip() or None)
    say_written(cli, commit(session, plan, dry_run=dry_run), "Publish it with `rein sync`.")


def _stars(text: str) -> int:
    value = number(text, "the rating")
    if value > MAX_RATING:
        raise InputError(f"a rating is 0 to {MAX_RATING}", hint=f"{MAX_RATING} is the best.")
    return value


def _role(cli: Cli, order: Order, given: str | None) -> Role:
    if given is not None:
        if given not in _ROLES:
            raise InputError(f"invalid role {given[:20]!r}", hint=f"There is: {', '.join(_ROLES)}.")
        return Role(given)
    left = unrated_roles(cli.session, order)
    if len(left) == 1:
        return left[0]
    if not left:
        return Role.WORKER  # `prepare` says why nobody can be rated
    return left[cli.terminal.choose("person", [_person(order, each) for each in left], "--role")]


def _person(order: Order, role: Role) -> str:
    job = order.job.document
    names = {
        Role.CREATOR: job.creator,
        Role.MEDIATOR: job.mediator,
        Role.WORKER: order.bid.document.worker if order.bid else "?",
    }
    return f"{names[role]}, the {role.value}"
