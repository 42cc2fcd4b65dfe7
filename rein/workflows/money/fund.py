"""Funding the escrows: what is there, what is still to be paid where, from any wallet, and whether it has arrived."""

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
from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.chain.view import chain_view_of
from rein.workflows.orders.load import find_order, my_orders, roles_in
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


@dataclass(frozen=True)
class FundingView:
    """What the escrows of an order hold, and what is still to be paid in."""

    order: Order
    funding: Funding
    invoices: tuple[Invoice, ...]

    def json(self) -> dict[str, Any]:
        return {
            "job_id": self.order.job.document.job_id,
            "job_document": self.order.id,
            "state": self.order.state.value,
            "funded": self.funding.complete,
            "escrows": [self._escrow(each) for each in self.funding.escrows],
        }

    def _escrow(self, held: EscrowFunding) -> dict[str, Any]:
        bill = next((each for each in self.invoices if each.escrow_id == held.id), None)
        return {
            "purse": held.id,
            "verdict": held.verdict.value,
            "amount_sat": held.terms.amount,
            "pay_sat": bill.amount if bill else None,
            "address": bill.address if bill else None,
            "uri": bill.uri if bill else None,
            "descriptor": held.terms.escrow.descriptor,
            "filling": held.filling.value,
            "holds_sat": held.holds,
            "missing_sat": held.missing,
            "surplus_sat": held.surplus,
            "unused_sat": sum(output.amount for output in held.dust),
            "outpoints": [str(output.outpoint) for output in held.outputs],
            "confirmations": held.confirmations,
            "confirmations_needed": held.confirmations_needed,
            "taken_by": [claim.document_id for claim in held.given_back],
        }


def orders_to_fund(session: Session) -> list[Order]:
    """Jobs that the identity has offered and that wait to be funded."""
    return [
        order
        for order in my_orders(session).orders
        if order.state is State.OFFERED and Role.CREATOR in roles_in(order, session.address)
    ]


def view_funding(session: Session, order: Order, *, again: bool = False) -> FundingView:
    """What the escrows hold now, and what is to be paid in.

    :param again: as for `invoices`.
    :raises OrderError: the job is frozen; or as `invoices`.
    :raises EscrowError: no offer, or one that is not what it must be.
    """
    funding = observe_funding(session, order)
    order = find_order(session, order.contract_id)
    return FundingView(order, funding, invoices(session, order, funding, again=again))


def wait_for_funding(
    session: Session, view: FundingView, show: Callable[[Funding], None], *, poll: float = _POLL_SECONDS
) -> FundingView:
    """Watch until all escrows hold the right amounts, deep enough, or until no waiting brings that about. `show` is
    told whenever something changed. What was to be paid is kept in the view."""
    last = ""
    while True:
        funding = observe_funding(session, view.order)
        now = " ".join(str(each) for each in funding.escrows)
        if now != last:
            show(funding)
            last = now
        if not funding.waits:
            return FundingView(find_order(session, view.order.contract_id), funding, view.invoices)
        time.sleep(poll)


def invoices(session: Session, order: Order, funding: Funding, *, again: bool = False) -> tuple[Invoice, ...]:
    """What is still to be paid in after a look at the chain, and no more; rebuilt from the documents.

    :param again: also where an earlier payment may come back and be made beside a new one.
    :raises OrderError: nobody else has view the offer, or an earlier payment may come back; or nothing is there yet,
        and the mediator does not mediate any more (`mediator_of`).
    """
    endings = {payment.ending for payment in session.store.escrows.payments(order.contract_id).values()}
    if order.is_over or order.state is State.FROZEN or Ending.REFUND.value in endings:
        return ()
    wanting = [each for each in funding.escrows if each.ask is not None]
    if wanting and is_unseen(session, order):
        raise OrderError(
            f"your offer of the job {order.job.document.job_id} is on no server yet: nobody else has view it, and "
            "nobody would work for what you pay in",
            hint="Publish it first.",
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


def observe_funding(session: Session, order: Order) -> Funding:
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
    return chain_view_of(session, order).funding


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
        hint=f"Pay again only by a transaction that spends an input of the earlier one, {of_it}: rein fund --again",
    )
