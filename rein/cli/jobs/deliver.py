"""`rein deliver`"""

from __future__ import annotations

from pathlib import Path

import click

from rein.cli.common import Cli, command, dry_run_option, first, form_option, job_option
from rein.cli.toolkit.choose import choose_order
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.options import FilePath
from rein.cli.toolkit.show import say_written
from rein.errors import OrderError
from rein.protocol.orders import Order
from rein.workflows.jobs.deliver import (
    MoneyAtRiskError,
    commit,
    deliverable_order,
    orders_to_deliver,
    prepare,
    require_deliverable,
)


@command("deliver", writes=True)
@job_option
@click.option("--deliverables", help="What you deliver: text, links, hashes of files.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=FilePath(dir_okay=False),
    help="A file you deliver: its name, size and hash are signed; it is handed over some other way.",
)
@click.option("--anyway", is_flag=True, help="Deliver although a settlement or refund could still take the money.")
@form_option
@dry_run_option
def deliver(
    cli: Cli,
    job: str | None,
    deliverables: str | None,
    files: tuple[Path, ...],
    anyway: bool,
    form_file: Path | None,
    dry_run: bool,
) -> None:
    """Deliver what was asked for. The escrows must be funded, and nobody else able to take what is in them.

    Example: rein deliver --jobid n0qlna45dgynluhtl0gf --deliverables "https://example.com/song" --file song.flac
    """
    session, form = cli.session, read_form(form_file, "Rein Delivery")
    order = _order(cli, first(job, form.get("Job ID")), anyway=anyway)
    told = first(form.get("Deliverables"), "" if files and deliverables is None else None)
    text = cli.text(deliverables, "Deliverables", "--deliverables", form=told, default="" if files else None)
    result = commit(session, prepare(session, order, text, files, anyway=anyway), dry_run=dry_run)
    say_written(cli, result, "Publish it with `rein sync`.")


def _order(cli: Cli, wanted: str | None, *, anyway: bool) -> Order:
    """The job that was named, or the one a person picks.

    :raises OrderError: it cannot be delivered, with what to do about it.
    """
    try:
        if wanted is not None:
            return deliverable_order(cli.session, wanted, anyway=anyway)
        return require_deliverable(cli.session, choose_order(cli, orders_to_deliver, "deliver"), anyway=anyway)
    except MoneyAtRiskError as error:
        hint = f"See it: rein explain {error.job_id}. To deliver all the same: rein deliver --anyway"
        raise OrderError(error.message, hint=hint) from error
