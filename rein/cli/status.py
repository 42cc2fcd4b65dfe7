"""`rein status`"""

from __future__ import annotations

from typing import Any

from rein.cli.common import Cli, command, job_option
from rein.cli.terminal import safe, safe_line
from rein.protocol.sin import secure_identity_number


@command("status")
@job_option
def status(cli: Cli, job: str | None) -> None:
    """See who you are and where your jobs stand; with --jobid, the whole story of one.

    Example: rein status --jobid n0qlna45dgynluhtl0gf
    """
    if job is None:
        _overview(cli)
    else:
        _story(cli, job)


def _overview(cli: Cli) -> None:
    from rein.workflows.overview import overview

    desk, terminal = cli.desk, cli.terminal
    row, seen = desk.identity, overview(desk)
    servers = [server.url for server in desk.store.servers(row.id)]
    terminal.say(f"{safe_line(row.name)} on {row.network}")
    terminal.say(f"  master address    {row.master_address}")
    terminal.say(f"  delegate address  {row.delegate_address}")
    terminal.say(f"  SIN               {secure_identity_number(row.master_address)}")
    terminal.say(f"  servers           {', '.join(servers) or 'none; register one with `rein request URL`'}")
    terminal.say()
    if seen.jobs:
        terminal.table(
            ("Job ID", "You are", "State", "Job", "Next"),
            [
                (job["job_id"], ", ".join(job["roles"]), job["state"], safe_line(job["name"], 30), job["next"])
                for job in seen.jobs
            ],
        )
    else:
        terminal.say("You have no jobs yet. Find one with `rein bid`, or post one with `rein post`.")
    for refused in seen.refused:
        terminal.note(safe(f"The job {refused['job_id']} does not count: {refused['message']}"))
    terminal.result(
        {
            "identity": {
                "name": row.name,
                "network": row.network,
                "master_address": row.master_address,
                "delegate_address": row.delegate_address,
                "sin": secure_identity_number(row.master_address),
            },
            "servers": servers,
            "jobs": seen.jobs,
            "refused": seen.refused,
        }
    )


def _story(cli: Cli, job: str) -> None:
    from rein.cli.show import described
    from rein.workflows.cases import find_order
    from rein.workflows.pull import pull
    from rein.workflows.summary import summary

    desk, terminal = cli.desk, cli.terminal
    _ = desk.identity
    pull(desk)
    order = find_order(desk, job)
    messages = set(order.messages)
    for signed in order.documents():
        if signed in messages:
            continue
        terminal.say(terminal.bold(f"{signed.document.TITLE}, document {signed.id}"))
        terminal.say(safe(signed.armored) + "\n")
    terminal.say(f"Job {order.job.document.job_id} is {order.state.value}.")
    if messages:
        terminal.say(f"It has {len(messages)} sealed documents: rein messages --jobid {order.job.document.job_id}")
    for each in order.apart:
        terminal.say(safe(f"Kept apart: document {each.document.id}: {each.reason.message}"))
    for signed in order.conflict:
        terminal.say(f"Conflicting: document {signed.id}")
    told = summary(desk, order)
    for escrow in told["escrows"]:
        _say_escrow(cli, escrow)
    terminal.say(f"Next: {told['next']}")
    terminal.result(
        told
        | {
            "documents": [described(signed) for signed in order.documents()],
            "apart": [
                {"document_id": each.document.id, "code": each.reason.code, "message": each.reason.message}
                for each in order.apart
            ],
            "conflict": [signed.id for signed in order.conflict],
        }
    )


def _say_escrow(cli: Cli, escrow: dict[str, Any]) -> None:
    from rein.btc.amounts import format_btc

    terminal, payment = cli.terminal, escrow["payment"]
    terminal.say(f"  {escrow['purse']} escrow  {format_btc(escrow['amount_sat'])} BTC at {escrow['address']}")
    terminal.say(f"    descriptor  {escrow['descriptor']}")
    for output in escrow["outputs"]:
        how = "spent" if output["spent"] else f"{output['confirmations']} confirmations"
        terminal.say(f"    holds  {format_btc(output['amount_sat'])} BTC in {output['outpoint']}, {how}")
    if not escrow["outputs"]:
        terminal.say("    not funded")
    if payment:
        terminal.say(
            f"    paid out by {payment['ending']} in {payment['txid']}, {payment['confirmations']} confirmations: "
            f"{payment['amount_sat']:,} sat to {safe_line(escrow['receiver'])}, {payment['back_sat']:,} sat back, "
            f"{payment['fee_sat']:,} sat to the miner"
        )
