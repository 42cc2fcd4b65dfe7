"""`rein creatordispute` and `rein workerdispute`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.signing import say_plan, sign_shown
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import finish
from rein.protocol.documents import DisputeDelivery, DisputeOffer, Role
from rein.workflows.money.dispute import build_dispute, orders_to_dispute, plan_dispute

_detail_option = click.option("--detail", metavar="TEXT", help="What went wrong.")
_TITLES = {Role.CREATOR: DisputeDelivery.TITLE, Role.WORKER: DisputeOffer.TITLE}


@command("creatordispute", writes=True)
@job_option
@_detail_option
@feerate_option
@form_option
@dry_run_option
def creatordispute(
    cli: Cli, job: str | None, detail: str | None, feerate: str | None, form_file: Path | None, dry_run: bool
) -> None:
    """Call the mediator, as the job creator, any time after the offer.

    You sign the mediator's fee with it, so that the mediator is paid whomever he favours.

    Example: rein creatordispute --jobid n0qlna45dgynluhtl0gf --detail "The file is silent."
    """
    _dispute(cli, Role.CREATOR, job, detail, feerate, form_file, dry_run=dry_run)


@command("workerdispute", writes=True)
@job_option
@_detail_option
@feerate_option
@form_option
@dry_run_option
def workerdispute(
    cli: Cli, job: str | None, detail: str | None, feerate: str | None, form_file: Path | None, dry_run: bool
) -> None:
    """Call the mediator, as the worker, any time after the offer.

    You sign the mediator's fee with it, so that the mediator is paid whomever he favours.

    Example: rein workerdispute --jobid n0qlna45dgynluhtl0gf --detail "Delivered a week ago, no answer."
    """
    _dispute(cli, Role.WORKER, job, detail, feerate, form_file, dry_run=dry_run)


def _dispute(
    cli: Cli,
    role: Role,
    job: str | None,
    detail: str | None,
    feerate: str | None,
    form_file: Path | None,
    *,
    dry_run: bool,
) -> None:
    session, form, rate = cli.session, read_form(form_file, _TITLES[role]), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), lambda session: orders_to_dispute(session, role), "dispute")
    text = cli.text(detail, "Dispute detail", "--detail", form=form.get("Dispute detail"))
    planned = plan_dispute(session, order, role, rate)
    signed = sign_shown(
        cli,
        planned,
        partial(say_plan, cli),
        "Complain, and sign the mediator's fee?" if planned.payouts else "Complain?",
        lambda shown: build_dispute(session, shown, text),
        dry_run=dry_run,
    )
    finish(cli, signed, dry_run=dry_run, next_step="Publish it with `rein sync`; the mediator will see it.")
