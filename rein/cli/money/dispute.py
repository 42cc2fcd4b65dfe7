"""`rein dispute`, and the same for one role: `rein creatordispute` and `rein workerdispute`"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.signing import commit_shown, say_plan
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import say_written
from rein.protocol.documents import DisputeDelivery, DisputeOffer, Role
from rein.workflows.money.dispute import commit, orders_to_dispute, prepare

_TITLES = {Role.CREATOR: DisputeDelivery.TITLE, Role.WORKER: DisputeOffer.TITLE}
_PARTIES = (Role.CREATOR, Role.WORKER)


def _options(function: Callable[..., None]) -> Callable[..., None]:
    detail = click.option("--detail", metavar="TEXT", help="What went wrong.")
    for option in reversed((job_option, detail, feerate_option, form_option, dry_run_option)):
        function = option(function)
    return function


@command("dispute", writes=True)
@_options
def dispute(cli: Cli, **given: Any) -> None:
    """Open a dispute, as the job creator or the worker, any time after the offer: the mediator decides.

    You sign the mediator's fee with it, so that the mediator is paid whatever the decision is.

    Example: rein dispute --jobid n0qlna45dgynluhtl0gf --detail "The file is silent."
    """
    _dispute(cli, None, **given)


@command("creatordispute", writes=True)
@_options
def creatordispute(cli: Cli, **given: Any) -> None:
    """Open a dispute, as the job creator, any time after the offer: the mediator decides.

    You sign the mediator's fee with it, so that the mediator is paid whatever the decision is.

    Example: rein creatordispute --jobid n0qlna45dgynluhtl0gf --detail "The file is silent."
    """
    _dispute(cli, Role.CREATOR, **given)


@command("workerdispute", writes=True)
@_options
def workerdispute(cli: Cli, **given: Any) -> None:
    """Open a dispute, as the worker, any time after the offer: the mediator decides.

    You sign the mediator's fee with it, so that the mediator is paid whatever the decision is.

    Example: rein workerdispute --jobid n0qlna45dgynluhtl0gf --detail "Delivered a week ago, no answer."
    """
    _dispute(cli, Role.WORKER, **given)


def _dispute(
    cli: Cli,
    role: Role | None,
    job: str | None,
    detail: str | None,
    feerate: str | None,
    form_file: Path | None,
    dry_run: bool,
) -> None:
    session, rate = cli.session, parse_feerate(feerate)
    form = read_form(form_file, *(_TITLES[each] for each in ((role,) if role else _PARTIES)))
    candidates = partial(orders_to_dispute, roles=(role,) if role else _PARTIES)
    order = order_now(cli, first(job, form.get("Job ID")), candidates, "dispute")
    text = cli.text(detail, "Dispute detail", "--detail", form=form.get("Dispute detail"))
    plan = prepare(session, order, detail=text, role=role, feerate=rate)
    question = "Open the dispute, and sign the mediator's fee?" if plan.payouts else "Open the dispute?"
    result = commit_shown(cli, plan, partial(say_plan, cli), question, commit, dry_run=dry_run)
    say_written(cli, result, "Publish it with `rein sync`; the mediator will see it.")
