"""`rein explain`"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import click

from rein.btc.amounts import format_btc
from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe, safe_line
from rein.cli.toolkit.options import FilePath
from rein.errors import InputError
from rein.escrow.counted import counted
from rein.escrow.explain import Explanation, in_words
from rein.escrow.proposals import Ending
from rein.protocol.documents import Role
from rein.workflows.money.explain import Candidate, ExplainedPayment, IdentifiedPsbt, explain_job, identify

PSBT_BEGINS = "cHNidP"
"""Every PSBT in base64: the letters of `psbt` and 0xff."""

_BINARY_BEGINS = b"psbt\xff"
_MAX_FILE_BYTES = 200_000
_NAMES = {
    Ending.ACCEPTANCE: "the payment for an accepted delivery",
    Ending.SETTLEMENT: "the payment of a settlement",
    Ending.REFUND: "a refund",
    Ending.RESOLUTION: "the payment of the mediator's decision",
    Ending.DISPUTE: "the mediator's fee, signed with a dispute",
}


@command("explain")
@click.argument("what", required=False, metavar="[PSBT|JOBID]")
@click.option("--file", "file", type=FilePath(), help="Read the PSBT from a file, base64 or binary.")
def explain(cli: Cli, what: str | None, file: Path | None) -> None:
    """Explain a payment before anybody signs it: rebuild it from the documents alone, and say what differs.

    With a Job ID: every payment that the job's documents carry. With a PSBT: which payment of your jobs it is.

    Example: rein explain n0qlna45dgynluhtl0gf
    """
    if (what is None) == (file is None):
        raise InputError("give a Job ID, a PSBT, or --file with a PSBT", hint="rein explain JOBID")
    if file is None and what is not None and not what.startswith(PSBT_BEGINS):
        _explain_job(cli, what)
    else:
        _explain_psbt(cli, read_psbt(file) if file is not None else str(what))


def read_psbt(path: Path) -> str:
    """A PSBT from a file, base64 or binary, in base64.

    :raises InputError: it cannot be read, or is neither.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"the file {path} cannot be read: {error}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise InputError(f"the file {path} is larger than {_MAX_FILE_BYTES:,} bytes: it is no PSBT of Rein")
    if content.startswith(_BINARY_BEGINS):
        return b64encode(content).decode()
    try:
        return "".join(content.decode("ascii").split())
    except ValueError:
        raise InputError(f"the file {path} holds no PSBT, neither in base64 nor in binary") from None


def _explain_job(cli: Cli, name: str) -> None:
    terminal, found = cli.terminal, explain_job(cli.session, name)
    terminal.say(f"Job {found.order.job.document.job_id} is {found.order.state.value}.")
    if not found.payments:
        terminal.say("No document of it carries a payment yet.")
    for each in found.payments:
        _say_payment(cli, each)
    terminal.result(found.json())


def _say_payment(cli: Cli, explained: ExplainedPayment) -> None:
    terminal, proposal = cli.terminal, explained.proposal
    title = f"{proposal.document.document.TITLE} {proposal.document.id[:12]}: {_NAMES[proposal.ending]}"
    terminal.say()
    terminal.say(terminal.bold(f"{title}, from the {proposal.terms.id} escrow"))
    completers = " or the ".join(sorted(role.value for role in proposal.completers))
    terminal.say(f"  signed by the {proposal.author.value}; to be completed by the {completers}")
    if explained.confirmations is not None:
        terminal.say(f"  made: {counted(explained.confirmations, 'confirmation')}")
    if explained.remark is not None:
        terminal.say(f"  beware: {explained.remark}")
    _say_explanation(cli, explained.explanation)


def _say_explanation(cli: Cli, explanation: Explanation) -> None:
    if explanation.expected is not None:
        if not explanation.as_agreed:
            cli.terminal.say("  The documents give a payment that")
        for line in in_words(explanation.expected):
            cli.terminal.say(f"    {safe_line(line)}")
    if explanation.as_agreed:
        cli.terminal.say("  It is as agreed.")
    for each in explanation.differences:
        cli.terminal.say(f"  NOT AS AGREED: {safe_line(each.text)}")


def _explain_psbt(cli: Cli, text: str) -> None:
    found = identify(cli.session, text)
    if found.nearest is None or found.explanation is None:
        cli.terminal.say("It spends no escrow of a job of yours. Sign it with nothing of Rein.")
    else:
        _say_nearest(cli, found.nearest, found.signers)
        _say_explanation(cli, found.explanation)
    _say_transaction(cli, found)
    cli.terminal.result(found.json())


def _say_nearest(cli: Cli, nearest: Candidate, signers: tuple[Role, ...]) -> None:
    job = nearest.order.job.document
    by = ", ".join(role.value for role in signers) or "nobody"
    carried = "no document carries it yet"
    if nearest.proposal is not None:
        carried = f"as in document {nearest.proposal.document.id[:12]}"
    cli.terminal.say(f"Job {job.job_id}, {safe_line(job.name)}: {_NAMES[nearest.ending]}, {carried}.")
    cli.terminal.say(f"  signed by: {by}")


def _say_transaction(cli: Cli, found: IdentifiedPsbt) -> None:
    transaction = found.psbt.transaction
    cli.terminal.say(f"Transaction {transaction.txid}:")
    for outpoint in transaction.inputs:
        cli.terminal.say(f"  spends {outpoint}")
    for output, address in found.outputs:
        cli.terminal.say(safe(f"  pays {format_btc(output.amount)} BTC to {address or 'no address'}"))
