"""`rein status`"""

from __future__ import annotations

from typing import Any

from rein.btc.amounts import format_btc
from rein.cli.common import Cli, command, job_option
from rein.cli.show import described
from rein.cli.terminal import safe, safe_line
from rein.protocol.orders import Order
from rein.workflows.cases import find_order, my_orders, roles_in, terms_if_any
from rein.workflows.desk import Desk
from rein.workflows.next_step import next_step
from rein.workflows.pull import pull_job


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
    desk, terminal = cli.desk, cli.terminal
    row, cases = desk.identity, my_orders(desk)
    servers = [server.url for server in desk.store.servers(row.id)]
    terminal.say(f"{safe_line(row.name)} on {row.network}")
    terminal.say(f"  master address    {row.master_address}")
    terminal.say(f"  delegate address  {row.delegate_address}")
    terminal.say(f"  servers           {', '.join(servers) or 'none; register one with `rein request URL`'}")
    terminal.say()
    if cases.orders:
        terminal.table(
            ("Job ID", "You are", "State", "Job", "Next"),
            [
                (
                    order.job.document.job_id,
                    _roles(desk, order),
                    order.state.value,
                    safe_line(order.job.document.name, 30),
                    next_step(order, row.master_address, desk.store.payments(order.id)),
                )
                for order in cases.orders
            ],
        )
    else:
        terminal.say("You have no jobs yet. Find one with `rein bid`, or post one with `rein post`.")
    for refused in cases.refused:
        terminal.note(safe(f"The job {refused.job.document.job_id} does not count: {refused.reason.message}"))
    terminal.result(
        {
            "identity": {
                "name": row.name,
                "network": row.network,
                "master_address": row.master_address,
                "delegate_address": row.delegate_address,
            },
            "servers": servers,
            "jobs": [_summary(desk, order) for order in cases.orders],
            "refused": [
                {"job_document": each.job.id, "code": each.reason.code, "message": each.reason.message}
                for each in cases.refused
            ],
        }
    )


def _story(cli: Cli, job: str) -> None:
    desk, terminal = cli.desk, cli.terminal
    _ = desk.identity
    pull_job(desk, job)
    order = find_order(desk, job)
    for signed in order.documents():
        terminal.say(terminal.bold(f"{signed.document.TITLE}, document {signed.id}"))
        terminal.say(safe(signed.armored) + "\n")
    terminal.say(f"Job {order.job.document.job_id} is {order.state.value}.")
    for each in order.apart:
        terminal.say(safe(f"Kept apart: document {each.document.id}: {each.reason.message}"))
    for signed in order.conflict:
        terminal.say(f"Conflicting: document {signed.id}")
    summary = _summary(desk, order)
    for escrow in summary["escrows"]:
        held = escrow["outpoint"] or "not funded"
        paid = f", paid out in {escrow['payment_txid']}" if escrow["payment_txid"] else ""
        amount = format_btc(escrow["amount_sat"])
        terminal.say(f"  {escrow['purse']} escrow  {amount} BTC at {escrow['address']}: {held}{paid}")
        terminal.say(f"    descriptor  {escrow['descriptor']}")
    terminal.say(f"Next: {next_step(order, desk.address, desk.store.payments(order.id))}")
    terminal.result(
        summary
        | {
            "documents": [described(signed) for signed in order.documents()],
            "apart": [
                {"document_id": each.document.id, "code": each.reason.code, "message": each.reason.message}
                for each in order.apart
            ],
            "conflict": [signed.id for signed in order.conflict],
        }
    )


def _roles(desk: Desk, order: Order) -> str:
    return ", ".join(sorted(role.value for role in roles_in(order, desk.address)))


def _summary(desk: Desk, order: Order) -> dict[str, Any]:
    job = order.job.document
    return {
        "job_id": job.job_id,
        "job_document": order.id,
        "name": job.name,
        "state": order.state.value,
        "roles": sorted(role.value for role in roles_in(order, desk.address)),
        "creator": job.creator,
        "mediator": job.mediator,
        "worker": order.bid.document.worker if order.bid else None,
        "price_sat": order.bid.document.amount if order.bid else None,
        "bids": [
            {"document_id": bid.id, "worker": bid.document.worker, "amount_sat": bid.document.amount}
            for bid in order.bids
        ],
        "escrows": _escrows(desk, order),
        "next": next_step(order, desk.address, desk.store.payments(order.id)),
    }


def _escrows(desk: Desk, order: Order) -> list[dict[str, Any]]:
    terms = terms_if_any(order)
    outputs, payments = desk.store.escrow_outputs(order.id), desk.store.payments(order.id)
    described_escrows = []
    for purse in terms.purses if terms else ():
        name = purse.escrow.purse.value
        output, payment = outputs.get(name), payments.get(name)
        described_escrows.append(
            {
                "purse": name,
                "address": purse.escrow.address,
                "descriptor": purse.escrow.descriptor,
                "amount_sat": purse.amount,
                "receiver": purse.receiver,
                "receives_sat": purse.receives,
                "fee_sat": purse.miner_fee,
                "outpoint": str(output.outpoint) if output else None,
                "confirmations": output.confirmations if output else 0,
                "payment_txid": payment.txid if payment else None,
                "payment_confirmations": payment.confirmations if payment else 0,
            }
        )
    return described_escrows
