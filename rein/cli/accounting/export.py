"""`rein export ledger` and `rein export invoice`"""

from __future__ import annotations

from pathlib import Path

import click

from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe
from rein.cli.toolkit.options import FilePath
from rein.files import write_new
from rein.workflows.accounting.invoice import as_text, current_invoice
from rein.workflows.accounting.ledger import as_beancount, as_csv, current_ledger

_FORMATS = {"csv": as_csv, "beancount": as_beancount}

out_option = click.option("--out", "-o", type=FilePath(dir_okay=False), help="Write it to this new file. [stdout]")


@click.group("export")
def export() -> None:
    """Write your ledger, or the invoice or receipt of a job.

    Example: rein export ledger --format csv --out ledger.csv
    """


@command("ledger")
@click.option(
    "--format", "how", type=click.Choice(list(_FORMATS)), default="csv", show_default=True, help="Output format."
)
@out_option
def ledger_command(cli: Cli, how: str, out: Path | None) -> None:
    """Write every payment of your jobs that is in a block, in double entry: what you paid into escrow, what was paid
    out, to whom, and what the miners took.

    Example: rein export ledger --format beancount --out rein.beancount
    """
    transactions = current_ledger(cli.session)
    text = _FORMATS[how](transactions)
    _write(cli, text, out)
    written = {"format": how, "file": str(out) if out else None, "text": text}
    cli.terminal.result(written | {"entries": [each.json() for each in transactions]})


@command("invoice")
@click.argument("job", metavar="JOBID")
@out_option
def invoice_command(cli: Cli, job: str, out: Path | None) -> None:
    """Write the invoice of your part of a job; once the money is in a block, it is the receipt.

    Example: rein export invoice n0qlna45dgynluhtl0gf
    """
    found = current_invoice(cli.session, job)
    text = "".join(f"{safe(line.replace(chr(10), ' '))}\n" for line in as_text(found))
    _write(cli, text, out)
    cli.terminal.result(found.json() | {"file": str(out) if out else None, "text": text})


export.add_command(ledger_command)
export.add_command(invoice_command)


def _write(cli: Cli, text: str, out: Path | None) -> None:
    if out is None:
        cli.terminal.say(safe(text).rstrip("\n"))
        return
    write_new(out, text.encode())
    cli.terminal.say(f"Wrote {out}.")
