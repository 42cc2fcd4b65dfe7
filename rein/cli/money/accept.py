"""`rein accept`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rein.cli.common import Cli, command, dry_run_option, feerate_option, first, form_option, job_option
from rein.cli.common import feerate as parse_feerate
from rein.cli.money.signing import commit_shown, say_plan, say_repeated, say_words
from rein.cli.toolkit.choose import order_now
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.show import say_written
from rein.workflows.money.accept import AcceptancePlan, accepted_before, commit, orders_to_accept, prepare

_NEXT = "Publish it with `rein sync`; then the worker and the mediator can collect."


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
    done = accepted_before(session, order)
    if done is not None:
        say_repeated(cli, done, "you have accepted the delivery", _NEXT)
        return
    plan = prepare(session, order, rate)
    result = commit_shown(
        cli,
        plan,
        partial(_show, cli),
        "Accept the delivery and sign these payments?",
        commit,
        dry_run=dry_run,
    )
    say_written(cli, result, _NEXT)


def _show(cli: Cli, plan: AcceptancePlan) -> None:
    replaced = len(plan.payments.order.deliveries) - 1
    title = "Delivered" if not replaced else f"Delivered, in place of {replaced} earlier"
    say_words(cli, title, plan.delivery.document.deliverables)
    say_plan(cli, plan.payments)
