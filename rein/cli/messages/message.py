"""`rein message`, `rein messages` and `rein disclose`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command, dry_run_option
from rein.cli.console.terminal import safe
from rein.cli.toolkit.show import say_written
from rein.cli.toolkit.values import jobs
from rein.protocol.documents import Role
from rein.workflows.messages import disclose as disclosure
from rein.workflows.messages import write
from rein.workflows.messages.parties import receiver
from rein.workflows.messages.read import read_messages
from rein.workflows.orders.fetch import fetched_order

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
    order = fetched_order(cli.session, job)
    party = receiver(cli.session, order, Role(to), bid)
    words = cli.text(text, "Message", "TEXT")
    result = write.commit(cli.session, write.prepare(cli.session, order, party, words), dry_run=dry_run)
    say_written(cli, result, "Send it with `rein sync`.")


@command("messages")
@_job
def messages(cli: Cli, job: str) -> None:
    """Read what was written to you and by you in a job, and what was disclosed to you as its mediator.

    Example: rein messages --jobid n0qlna45dgynluhtl0gf
    """
    terminal = cli.terminal
    found = read_messages(cli.session, fetched_order(cli.session, job))
    for each in found.messages:
        document = each.signed.document
        terminal.say(terminal.bold(safe(f"{each.sender} to {each.receiver}, block {document.block_height:,}")))
        if each.remark is not None:
            terminal.say(f"Beware: {each.remark}.")
        lines = (each.text if each.text is not None else f"[sealed: {each.problem}]").split("\n")
        for line in lines:
            terminal.say(safe(f"  {line}"))  # indented: no message can look like the heading of another
    if not found.messages:
        terminal.say("There are no messages in this job.")
    terminal.result(found.json())


@command("disclose", writes=True)
@_job
@click.option("--to", type=click.Choice([Role.MEDIATOR.value]), default=Role.MEDIATOR.value, help="Who may read it.")
@_bid
@dry_run_option
def disclose(cli: Cli, job: str, to: str, bid: str | None, dry_run: bool) -> None:
    """Let the mediator read all that you and the other party wrote in a job, before and after. It cannot be undone.

    Example: rein disclose --jobid n0qlna45dgynluhtl0gf --to mediator
    """
    plan = disclosure.prepare(cli.session, fetched_order(cli.session, job), bid)
    if not dry_run:
        cli.terminal.confirm(safe(f"Let the mediator read everything between you and {plan.other.name} in this job?"))
    result = disclosure.commit(cli.session, plan, dry_run=dry_run)
    say_written(cli, result, f"Send it to the {to} with `rein sync`.")
