"""`rein message`, `rein messages` and `rein disclose`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command, dry_run_option
from rein.cli.toolkit.show import finish
from rein.cli.toolkit.terminal import safe
from rein.cli.toolkit.values import jobs
from rein.protocol.documents import Disclosure, Role
from rein.workflows.messages.messages import disclose as build_disclosure
from rein.workflows.messages.messages import read_messages, receiver, write_message
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order

_job = click.option(
    "--jobid", "job", metavar="ID", required=True, shell_complete=jobs, help="Job ID, or the job document's id."
)
_bid = click.option("--bid", metavar="ID", help="Which bidder, where several have bid; or an address or SIN.")


@command("message", writes=True)
@_job
@click.option("--to", required=True, type=click.Choice([role.value for role in Role]), help="Who is to read it.")
@_bid
@click.argument("text", required=False)
@dry_run_option
def message(cli: Cli, job: str, to: str, bid: str | None, text: str | None, dry_run: bool) -> None:
    """Write to another party of a job. Nobody else can read it; the mediator can where one of you discloses it.

    Example: rein message --jobid n0qlna45dgynluhtl0gf --to creator "May it be blue?"
    """
    session = cli.session
    _ = session.identity
    pull(session)
    order = find_order(session, job)
    party = receiver(session, order, Role(to), bid)
    words = cli.text(text, "Message", "TEXT")
    signed = write_message(session, order, party, words)
    finish(cli, signed, dry_run=dry_run, next_step="Send it with `rein sync`.")


@command("messages")
@_job
def messages(cli: Cli, job: str) -> None:
    """Read what was written to you and by you in a job, and what was disclosed to you as its mediator.

    Example: rein messages --jobid n0qlna45dgynluhtl0gf
    """
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    pull(session)
    order = find_order(session, job)
    found = read_messages(session, order)
    for each in found:
        document = each.signed.document
        terminal.say(terminal.bold(safe(f"{each.sender} to {each.receiver}, block {document.block_height:,}")))
        if each.remark is not None:
            terminal.say(f"Beware: {each.remark}.")
        lines = (each.text if each.text is not None else f"[sealed: {each.problem}]").split("\n")
        for line in lines:
            terminal.say(safe(f"  {line}"))  # indented: no message can look like the heading of another
    if not found:
        terminal.say("There are no messages in this job.")
    terminal.result(
        {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "messages": [
                {
                    "document_id": each.signed.id,
                    "kind": each.signed.document.KIND.value,
                    "from": each.signed.document.master_address,
                    "from_role": each.signed.document.role.value,
                    "to": each.signed.document.to_address,
                    "to_role": each.signed.document.to_role.value,
                    "block_height": each.signed.document.block_height,
                    "text": None if isinstance(each.signed.document, Disclosure) else each.text,
                    "problem": each.problem,
                    "remark": each.remark,
                }
                for each in found
            ],
        }
    )


@command("disclose", writes=True)
@_job
@click.option("--to", type=click.Choice([Role.MEDIATOR.value]), default=Role.MEDIATOR.value, help="Who may read it.")
@_bid
@dry_run_option
def disclose(cli: Cli, job: str, to: str, bid: str | None, dry_run: bool) -> None:
    """Let the mediator read all that you and the other party wrote in a job, before and after. It cannot be undone.

    Example: rein disclose --jobid n0qlna45dgynluhtl0gf --to mediator
    """
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    pull(session)
    order = find_order(session, job)
    is_creator = order.job.document.creator_master_address == session.address
    other = receiver(session, order, Role.WORKER if is_creator else Role.CREATOR, bid)
    signed = build_disclosure(session, order, other)
    if not dry_run:
        terminal.confirm(safe(f"Let the mediator read everything between you and {other.name} in this job?"))
    finish(cli, signed, dry_run=dry_run, next_step=f"Send it to the {to} with `rein sync`.")
