"""`rein status`"""

from __future__ import annotations

from typing import Any

from rein.btc.amounts import format_btc
from rein.cli.common import Cli, command, job_option
from rein.cli.show import described, made
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
                    next_step(order, row.master_address, desk.store.payments(order.contract_id)),
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
        _say_escrow(cli, escrow)
    terminal.say(f"Next: {next_step(order, desk.address, desk.store.payments(order.contract_id))}")
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


def _say_escrow(cli: Cli, escrow: dict[str, Any]) -> None:
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
        "next": next_step(order, desk.address, desk.store.payments(order.contract_id)),
    }


def _escrows(desk: Desk, order: Order) -> list[dict[str, Any]]:
    terms = terms_if_any(order)
    payments = desk.store.payments(order.contract_id)
    outputs = desk.store.escrow_outputs(order.contract_id)
    described_escrows = []
    for purse in terms.purses if terms else ():
        name = purse.escrow.purse.value
        mine = [output for output in outputs if output.purse == name]
        payment = payments.get(name)
        described_escrows.append(
            {
                "purse": name,
                "address": purse.escrow.address,
                "descriptor": purse.escrow.descriptor,
                "amount_sat": purse.amount,
                "receiver": purse.payee.name,
                "receives_sat": purse.price,
                "fee_sat": purse.miner_fee,
                "outputs": [
                    {
                        "outpoint": str(output.outpoint),
                        "amount_sat": output.amount,
                        "confirmations": output.confirmations,
                        "spent": output.spent,
                    }
                    for output in mine
                ],
                "payment": made(payment) if payment else None,
            }
        )
    return described_escrows
