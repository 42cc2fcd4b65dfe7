"""`rein deliver`"""

from __future__ import annotations

from pathlib import Path

import click

from rein.cli.common import Cli, command, dry_run_option, first, form_option, job_option
from rein.cli.toolkit.choose import choose_order
from rein.cli.toolkit.show import finish
from rein.workflows.jobs.deliver import build_delivery, named, orders_to_deliver, require_deliverable
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order


@command("deliver", writes=True)
@job_option
@click.option("--deliverables", help="What you deliver: text, links, hashes of files.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
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
    from rein.cli.toolkit.form import read_form

    session, form = cli.session, read_form(form_file, "Rein Delivery")
    _ = session.identity
    pull(session)
    wanted = first(job, form.get("Job ID"))
    if wanted is None:
        wanted = choose_order(cli, orders_to_deliver, "deliver").contract_id
    order = require_deliverable(session, find_order(session, wanted), anyway=anyway)
    told = first(form.get("Deliverables"), "" if files and deliverables is None else None)
    text = cli.text(deliverables, "Deliverables", "--deliverables", form=told, default="" if files else None)
    content = "\n".join(each for each in (text, named(files)) if each)
    signed = build_delivery(session, order, content, anyway=anyway)
    finish(cli, signed, dry_run=dry_run, next_step="Publish it with `rein sync`.")
