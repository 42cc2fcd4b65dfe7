"""`rein deliver`"""

from __future__ import annotations

from pathlib import Path

import click

from rein.cli.choose import choose_order
from rein.cli.common import Cli, command, dry_run_option, first, form_option, job_option
from rein.cli.show import finish
from rein.escrow.contract import Purse
from rein.protocol.documents import Role
from rein.workflows.cases import find_order
from rein.workflows.deliver import build_delivery, named, orders_to_deliver
from rein.workflows.payments import still_open
from rein.workflows.pull import pull
from rein.workflows.watch_chain import look_at


@command("deliver")
@job_option
@click.option("--deliverables", help="What you deliver: text, links, hashes of files.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file you deliver: its name, size and hash are signed; it is handed over some other way.",
)
@form_option
@dry_run_option
def deliver(
    cli: Cli, job: str | None, deliverables: str | None, files: tuple[Path, ...], form_file: Path | None, dry_run: bool
) -> None:
    """Deliver what was asked for. The escrows must be funded.

    Example: rein deliver --jobid n0qlna45dgynluhtl0gf --deliverables "https://example.com/song" --file song.flac
    """
    from rein.cli.form import read_form

    desk, form = cli.desk, read_form(form_file, "Rein Delivery")
    _ = desk.identity
    pull(desk)
    wanted = first(job, form.get("Job ID"))
    if wanted is None:
        wanted = choose_order(cli, orders_to_deliver, "deliver").contract_id
    seen = look_at(desk, find_order(desk, wanted))
    order = find_order(desk, wanted)
    for each in still_open(order, seen, Role.WORKER) if seen is not None else ():
        if each.purse.escrow.purse is Purse.PRIMARY:
            name = f"{each.ending.value} {each.document.id[:12]}"
            cli.terminal.note(
                f"Beware: the creator can still take the {name} that you signed, instead of paying.", vital=True
            )
    text = first(deliverables, form.get("Deliverables"), None if not files else "")
    if text is None:
        text = cli.terminal.ask_text("Deliverables", "--deliverables")
    signed = build_delivery(desk, order, "\n".join(each for each in (text, named(files)) if each))
    finish(cli, signed, dry_run=dry_run, next_step="Publish it with `rein sync`.")
