"""`rein accept`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.signing import say_plan, sign_shown
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import finish
from rein.cli.toolkit.terminal import safe
from rein.workflows.money.accept import build_acceptance, check_acceptable, orders_to_accept, plan_acceptance


@command("accept", writes=True)
@job_option
@feerate_option
@form_option
@dry_run_option
def accept(cli: Cli, job: str | None, feerate: str | None, form_file: Path | None, dry_run: bool) -> None:
    """Accept a delivery: sign the worker's and the mediator's payments. They collect the money themselves.

    To pay for a part only, propose it: rein settle.

    Example: rein accept --jobid n0qlna45dgynluhtl0gf
    """
    session, form, rate = cli.session, read_form(form_file, "Rein Accept Delivery"), parse_feerate(feerate)
    order = order_now(cli, first(job, form.get("Job ID")), orders_to_accept, "accept")
    delivery = check_acceptable(session, order)
    replaced = len(order.deliveries) - 1
    cli.terminal.say("Delivered:" if not replaced else f"Delivered, in place of {replaced} earlier:")
    cli.terminal.say("  " + safe(delivery.document.deliverables).replace("\n", "\n  "))
    signed = sign_shown(
        cli,
        plan_acceptance(session, order, rate),
        partial(say_plan, cli),
        "Accept the delivery and sign these payments?",
        partial(build_acceptance, session),
        dry_run=dry_run,
    )
    finish(cli, signed, dry_run=dry_run, next_step="Publish it with `rein sync`.")
