"""One order in plain values: who, how much, where it stands and what is next. Nothing in it depends on the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rein.escrow.contract import EscrowKind
from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.store.escrows import EscrowOutput, Payment
from rein.workflows.orders.load import kinds_of, recorded_funding, roles_in, terms_if_any
from rein.workflows.session import Session
from rein.workflows.status.next_step import next_step


def summary(session: Session, order: Order) -> dict[str, Any]:
    """For programs, and for the table of `rein status`. `since_height`: of the block after which the order has stood as
    it does; the documents' own word, except for money. `until`: when bids end, in seconds since 1970, while that
    matters."""
    job = order.job.document
    payments = session.store.escrows.payments(order.contract_id)
    outputs = session.store.escrows.outputs(order.contract_id)
    step = next_step(order, session.address, payments, outputs)
    return {
        "job_id": job.job_id,
        "job_document": order.id,
        "name": job.name,
        "offer": order.offer.id if order.offer else None,
        "state": order.state.value,
        "roles": sorted(role.value for role in roles_in(order, session.address)),
        "creator": job.creator,
        "mediator": job.mediator,
        "worker": order.bid.document.worker if order.bid else None,
        "price_sat": order.bid.document.amount if order.bid else None,
        "bids": [
            {"document_id": bid.id, "worker": bid.document.worker, "amount_sat": bid.document.amount}
            for bid in order.bids
        ],
        "sealed_bids": len(order.unopened_bids),
        "escrows": _escrows(order, outputs, payments),
        "paid": _paid_to(order, session.address, payments),
        "next": step.text,
        "due": step.due.value,
        "since_height": _since(order, outputs, list(payments.values())),
        "until": job.expires if order.state in (State.POSTED, State.BID) else None,
    }


def _since(order: Order, outputs: list[EscrowOutput], payments: list[Payment]) -> int:
    """The height of the newest thing that changed the state; ratings change none."""
    spoken = [*order.documents(), *order.conflict]
    heights: list[int] = [each.document.block_height for each in spoken if each not in order.ratings]
    paid = [each.height for each in payments if each.height is not None]
    if order.is_over and paid:
        return max(paid)
    came = [each.height for each in outputs if each.height is not None]
    return max([*heights, *came, *paid])


def _escrows(order: Order, outputs: list[EscrowOutput], payments: dict[str, Payment]) -> list[dict[str, Any]]:
    terms = terms_if_any(order)
    described_escrows = []
    funding = recorded_funding(order, terms, outputs, payments) if terms else None
    for held in funding.escrows if funding else ():
        agreed, name = held.terms, held.id
        mine = [output for output in outputs if output.escrow_id == name]
        payment = payments.get(name)
        described_escrows.append(
            {
                "purse": name,
                "address": agreed.escrow.address,
                "descriptor": agreed.escrow.descriptor,
                "amount_sat": agreed.amount,
                "receiver": agreed.payee.name,
                "receives_sat": agreed.price,
                "fee_sat": agreed.miner_fee,
                "verdict": held.verdict.value,
                "condition": ", ".join(held.words()),
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
        "purse": payment.escrow_id,
        "txid": payment.txid,
        "amount_sat": payment.amount,
        "back_sat": payment.back,
        "fee_sat": payment.fee,
        "confirmations": payment.confirmations,
        "ending": payment.ending,
        "document_id": payment.document_id,
    }


def _paid_to(order: Order, address: str, payments: Mapping[str, Payment]) -> list[dict[str, Any]]:
    """The payments of an order to the person with this master address, for programs."""
    job, bid = order.job.document, order.bid
    roles, kinds, found = roles_in(order, address), kinds_of(order), list[dict[str, Any]]()
    for escrow_id, payment in sorted(payments.items()):
        parts: list[tuple[int, str]] = []
        if Role.CREATOR in roles:
            parts.append((payment.back, job.creator_payment_address))
        if Role.WORKER in roles and kinds.get(escrow_id) is EscrowKind.PRICE and bid is not None:
            parts.append((payment.amount, bid.document.worker_payment_address))
        if Role.MEDIATOR in roles and kinds.get(escrow_id) is EscrowKind.FEE:
            parts.append((payment.amount, job.mediator_payment_address))
        found += [
            {"txid": payment.txid, "amount_sat": amount, "address": where, "confirmations": payment.confirmations}
            for amount, where in parts
            if amount
        ]
    return found
