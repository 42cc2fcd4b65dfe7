"""One order in plain values: who, how much, where it stands and what is next."""

from __future__ import annotations

from typing import Any

from rein.protocol.orders import Order
from rein.store.rows import Payment
from rein.workflows.cases import roles_in, terms_if_any
from rein.workflows.desk import Desk
from rein.workflows.next_step import next_step


def summary(desk: Desk, order: Order) -> dict[str, Any]:
    """For programs, and for the table of `rein status`."""
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
                "payment": _made(payment) if payment else None,
            }
        )
    return described_escrows


def _made(payment: Payment) -> dict[str, Any]:
    """A payment on its way or on the chain, for programs."""
    return {
        "purse": payment.purse,
        "txid": payment.txid,
        "amount_sat": payment.amount,
        "back_sat": payment.back,
        "fee_sat": payment.fee,
        "confirmations": payment.confirmations,
        "ending": payment.ending,
        "document_id": payment.document_id,
    }
