"""The invoice or the receipt of a job, for whoever keeps books by hand: plain text, in the words of the documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rein.btc.amounts import Sat, format_btc
from rein.errors import OrderError
from rein.escrow.contract import EscrowKind
from rein.escrow.terms import Terms
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.protocol.values import format_fee
from rein.store.tables.escrows import Payment
from rein.workflows.accounting.ledger import day
from rein.workflows.chain.current import observe_if_possible
from rein.workflows.orders.load import find_order, roles_in, terms_if_any
from rein.workflows.session import Session
from rein.workflows.status.story import times_of


@dataclass(frozen=True)
class Line:
    """One line: who gets what for what. `payment` is what the chain showed, None while nothing is paid."""

    what: str
    payee: str
    agreed: Sat
    payment: Payment | None

    @property
    def paid(self) -> Sat | None:
        """What was received, in satoshis; None while it is not in a block."""
        return self.payment.amount if self.payment and self.payment.confirmations else None

    def json(self) -> dict[str, Any]:
        return {"what": self.what, "payee": self.payee, "agreed_sat": self.agreed, "paid_sat": self.paid}


@dataclass(frozen=True)
class Invoice:
    """What one of the three writes or keeps of a job. It is a receipt once every line is paid."""

    order: Order
    role: Role
    lines: tuple[Line, ...]
    times: dict[int, int]

    @property
    def is_receipt(self) -> bool:
        return all(line.paid is not None for line in self.lines)

    def json(self) -> dict[str, Any]:
        return {
            "job_id": self.order.job.document.job_id,
            "offer": self.order.contract_id,
            "role": self.role.value,
            "receipt": self.is_receipt,
            "lines": [line.json() for line in self.lines],
        }


def current_invoice(session: Session, name: str) -> Invoice:
    """The invoice or receipt of the job of that name, after a look at the chain, where it answers.

    :raises NotFoundError: there is no such job.
    :raises OrderError, ChainError: as `invoice_of`.
    """
    _ = session.identity
    observe_if_possible(session, [find_order(session, name)])
    return invoice_of(session, find_order(session, name))


def invoice_of(session: Session, order: Order) -> Invoice:
    """The invoice or receipt of my part of a job: what the worker or the mediator gets, or what the creator pays.

    :raises OrderError: the job was offered to nobody, or I have no part in it.
    :raises ChainError: the chain source does not tell when a block was.
    """
    terms, roles = terms_if_any(order), roles_in(order, session.address)
    if terms is None or order.bid is None:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}: there is no price agreed on yet")
    if not roles:
        raise OrderError(f"you have no part in the job {order.job.document.job_id}")
    role = next(iter(roles))
    lines = tuple(_lines(order, terms, role, session.store.escrows.payments(order.contract_id)))
    heights = {line.payment.height for line in lines if line.payment and line.payment.height is not None}
    times = {height: session.chain.block_at(height).time for height in sorted(heights)}
    return Invoice(order, role, lines, times_of(session, _agreed_at(order)) | times)


def _agreed_at(order: Order) -> list[int]:
    """The height the offer names, in a list; whoever signed it chose that, so the chain need not have it."""
    return [] if order.offer is None else [order.offer.document.block_height]


def _lines(order: Order, terms: Terms, role: Role, payments: dict[str, Payment]) -> Iterator[Line]:
    job = order.job.document
    lines = {
        EscrowKind.PRICE: (job.name, Role.WORKER),
        EscrowKind.FEE: (f"Mediation, {format_fee(job.mediator_fee)} of the price", Role.MEDIATOR),
    }
    for each in terms.escrows:
        what, receiver = lines[each.kind]
        if role in (Role.CREATOR, receiver):
            yield Line(what, each.payee.name, each.price, payments.get(each.id))


def as_text(invoice: Invoice) -> Iterator[str]:
    """Line by line. Names and texts are strangers': whoever prints them makes them safe."""
    order = invoice.order
    job = order.job.document
    yield f"{'RECEIPT' if invoice.is_receipt else 'INVOICE'} {job.job_id}-{order.contract_id[:8]}"
    yield ""
    yield f"Job       {job.name}"
    yield from (f"Agreed    on {day(invoice.times[each])}" for each in _agreed_at(order) if each in invoice.times)
    for label, (name, contact, address) in (*(("From", each) for each in _issuers(invoice)), ("To", _payer(order))):
        yield f"{label:8}  {name}, {contact}"
        yield f"{'':8}  {address}"
    yield f"Network   {job.network.name}"
    yield ""
    for line in invoice.lines:
        yield line.what
        yield f"  agreed  {format_btc(line.agreed)} BTC to {line.payee}"
        yield from _paid(invoice, line)
        yield ""
    yield f"Total agreed  {format_btc(_sum(line.agreed for line in invoice.lines))} BTC"
    yield f"Total paid    {format_btc(_sum(line.paid or Sat(0) for line in invoice.lines))} BTC"
    yield ""
    yield "Agreed by the signed offer"
    yield order.contract_id


_Named = tuple[str, str, str]
"""A name, how to reach its bearer, and the master address."""


def _payer(order: Order) -> _Named:
    job = order.job.document
    return job.creator, job.creator_contact, job.creator_master_address


def _issuers(invoice: Invoice) -> list[_Named]:
    """Who asks to be paid: whoever writes the invoice, or where that is the creator, both others."""
    job, found = invoice.order.job.document, list[_Named]()
    if invoice.order.bid is not None and invoice.role is not Role.MEDIATOR:
        said = invoice.order.bid.document
        found.append((said.worker, said.worker_contact, said.worker_master_address))
    if invoice.role is not Role.WORKER:
        found.append((job.mediator, job.mediator_contact, job.mediator_master_address))
    return found


def _paid(invoice: Invoice, line: Line) -> Iterator[str]:
    payment = line.payment
    if payment is None or payment.height is None or line.paid is None:
        yield "  not paid yet"
        return
    if line.paid:
        yield f"  paid    {format_btc(line.paid)} BTC"
    back = min(payment.back, line.agreed - line.paid)  # what a receiver added to the miner's fee did not go back
    if back > 0:
        yield f"  back    {format_btc(Sat(back))} BTC to {invoice.order.job.document.creator}"
    yield f"  by {payment.ending}, on {day(invoice.times[payment.height])}, in block {payment.height}, transaction"
    yield f"  {payment.txid}"


def _sum(amounts: Iterator[Sat]) -> Sat:
    return Sat(sum(amounts))
