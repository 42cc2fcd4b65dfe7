"""`rein export ledger` and `rein export invoice`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rein.casefile.newfile import write_new
from rein.cli.common import Cli, command
from rein.cli.toolkit.terminal import safe
from rein.workflows.accounting.invoice import as_text, invoice_of
from rein.workflows.accounting.ledger import Transaction, as_beancount, as_csv, ledger
from rein.workflows.money.current import observe_if_possible
from rein.workflows.orders.load import find_order, my_orders

_FORMATS = {"csv": as_csv, "beancount": as_beancount}

out_option = click.option(
    "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this new file. [stdout]"
)


@click.group("export")
def export() -> None:
    """Write your ledger, or the invoice or receipt of a job.

    Example: rein export ledger --format csv --out ledger.csv
    """


@command("ledger")
@click.option("--format", "how", type=click.Choice(list(_FORMATS)), default="csv", show_default=True, help="As what.")
@out_option
def ledger_command(cli: Cli, how: str, out: Path | None) -> None:
    """Write every payment of your jobs that is in a block, in double entry: what you paid into escrow, what was paid
    out, to whom, and what the miners took.

    Example: rein export ledger --format beancount --out rein.beancount
    """
    session = cli.session
    _ = session.identity
    transactions = ledger(session, observe_if_possible(cli.session, my_orders(session).orders))
    text = _FORMATS[how](transactions)
    _write(cli, text, out)
    cli.terminal.result(
        {
            "format": how,
            "file": str(out) if out else None,
            "text": text,
            "entries": [_data(each) for each in transactions],
        }
    )


@command("invoice")
@click.argument("job", metavar="JOBID")
@out_option
def invoice_command(cli: Cli, job: str, out: Path | None) -> None:
    """Write the invoice of your part of a job; once the money is in a block, it is the receipt.

    Example: rein export invoice n0qlna45dgynluhtl0gf
    """
    session = cli.session
    _ = session.identity
    observe_if_possible(cli.session, [find_order(session, job)])
    found = invoice_of(session, find_order(session, job))
    text = "".join(f"{safe(line.replace(chr(10), ' '))}\n" for line in as_text(found))
    _write(cli, text, out)
    cli.terminal.result(
        {
            "job_id": found.order.job.document.job_id,
            "offer": found.order.contract_id,
            "role": found.role.value,
            "receipt": found.is_receipt,
            "file": str(out) if out else None,
            "text": text,
            "lines": [
                {"what": line.what, "payee": line.payee, "agreed_sat": line.agreed, "paid_sat": line.paid}
                for line in found.lines
            ],
        }
    )


export.add_command(ledger_command)
export.add_command(invoice_command)


def _write(cli: Cli, text: str, out: Path | None) -> None:
    if out is None:
        cli.terminal.say(safe(text).rstrip("\n"))
        return
    write_new(out, text.encode())
    cli.terminal.say(f"Wrote {out}.")


def _data(transaction: Transaction) -> dict[str, Any]:
    return {
        "time": transaction.time,
        "height": transaction.height,
        "txid": transaction.txid,
        "job_id": transaction.job_id,
        "job_name": transaction.job_name,
        "role": transaction.role.value,
        "what": transaction.what,
        "payee": transaction.payee,
        "postings": [{"account": account.value, "amount_sat": amount} for account, amount in transaction.postings],
    }
