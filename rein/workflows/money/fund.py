"""Funding the escrows: what is there, what is still to be paid where, and whether it has arrived. Rein holds no wallet;
any one will do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rein.btc.amounts import Sat, format_btc
from rein.errors import OrderError
from rein.escrow.funding import EscrowFunding, Funding, Verdict
from rein.escrow.proposals import Ending
from rein.escrow.terms import terms_of
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.money.chain_view import observe
from rein.workflows.orders.mediation import mediator_of
from rein.workflows.session import Session

_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Invoice:
    """One payment still to be made."""

    escrow_id: str
    amount: Sat
    address: str
    uri: str
    descriptor: str


def invoices(session: Session, order: Order, funding: Funding, *, again: bool = False) -> tuple[Invoice, ...]:
    """What is still to be paid in after a look at the chain, and no more; rebuilt from the documents.

    :param again: also where an earlier payment may come back and be made beside a new one.
    :raises OrderError: nobody else has seen the offer, or an earlier payment may come back; or nothing is there yet,
        and the mediator does not mediate any more (`mediator_of`).
    """
    endings = {payment.ending for payment in session.store.escrows.payments(order.contract_id).values()}
    if order.is_over or order.state is State.FROZEN or Ending.REFUND.value in endings:
        return ()
    wanting = [each for each in funding.escrows if each.ask is not None]
    if wanting and is_unseen(session, order):
        raise OrderError(
            f"your offer of the job {order.job.document.job_id} is on no server yet: nobody else has seen it, and "
            "nobody would work for what you pay in",
            hint="Publish it first: rein sync",
        )
    if wanting and not any(each.outputs for each in funding.escrows):
        mediator_of(session, order.job.document)
    for each in wanting:
        if each.verdict is Verdict.AGAIN and not again:
            raise _may_come_back(session, each)
    return tuple(_invoice(order, each, each.ask) for each in wanting if each.ask is not None)


def is_unseen(session: Session, order: Order) -> bool:
    """Whether an offer of the identity's has reached nobody: no server has shown to hold it, nobody has answered."""
    if order.offer is None or order.offer.id not in session.store.documents.unpublished_ids(
        session.network.name, session.address
    ):
        return False
    answers: tuple[Signed[Any], ...] = (*order.deliveries, *order.disputes, *order.settlements, *order.refunds)
    return all(each.document.author.master_address == session.address for each in answers)


def look_for_funding(session: Session, order: Order) -> Funding:
    """What the chain shows at the escrows now.

    :raises OrderError: the job is frozen.
    :raises EscrowError: no offer, or one that is not what it must be.
    """
    if order.state is State.FROZEN:
        raise OrderError(
            "the job is frozen: somebody signed two things that contradict each other",
            hint="Pay nothing. What is there: rein status --jobid " + order.contract_id[:12],
        )
    terms_of(order)
    seen = observe(session, order)
    if seen is None:
        raise OrderError("this job has no offer that counts")
    return seen.funding


def wait_for_funding(
    session: Session, order: Order, show: Callable[[Funding], None], *, poll: float = _POLL_SECONDS
) -> Funding:
    """Watch until all escrows hold the right amounts, deep enough, or until no waiting brings that about. `show` is
    told whenever something changed."""
    last = ""
    while True:
        funding = look_for_funding(session, order)
        now = " ".join(str(each) for each in funding.escrows)
        if now != last:
            show(funding)
            last = now
        if not funding.waits:
            return funding
        time.sleep(poll)


def _invoice(order: Order, held: EscrowFunding, amount: Sat) -> Invoice:
    escrow = held.terms.escrow
    label = quote(f"Rein {order.job.document.job_id} {escrow.id}")
    return Invoice(
        escrow_id=escrow.id,
        amount=amount,
        address=escrow.address,
        uri=f"bitcoin:{escrow.address}?amount={format_btc(amount)}&label={label}",
        descriptor=escrow.descriptor,
    )


def _may_come_back(session: Session, held: EscrowFunding) -> OrderError:
    claim = held.may_come_back[0]
    lost = sorted(claim.outpoints)
    inputs = sorted({each for outpoint in lost for each in session.store.signatures.funding(outpoint.txid)})
    of_it = f"one of these: {', '.join(map(str, inputs))}" if inputs else f"{lost[0].txid}"
    return OrderError(
        f"the {claim}, pays out of {', '.join(map(str, lost))}, which the chain does not show; where that comes back, "
        f"it can be completed, and you would have paid the {held.id} escrow twice",
        hint=f"Pay anew only by a transaction that spends an input of the earlier one, {of_it}: rein fund --again",
    )
