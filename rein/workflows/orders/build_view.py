"""Building the view of an order: from the order, and from what its escrows and payments were when last seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rein.btc.amounts import Sat
from rein.escrow.contract import EscrowKind
from rein.escrow.funding import EscrowFunding
from rein.protocol.documents import Bid, Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.protocol.values import format_budget
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.orders.load import kinds_of, recorded_funding, roles_in, terms_if_any
from rein.workflows.orders.next_step import next_step
from rein.workflows.orders.view import (
    BidView,
    Decision,
    EscrowView,
    Favour,
    OrderView,
    OutputView,
    Paid,
    PaymentView,
    RatingView,
)
from rein.workflows.session import Session


def view_of(session: Session, order: Order) -> OrderView:
    """An order as the identity of the session sees it, or as everybody does where it has none."""
    address = session.row.master_address if session.row else None
    outputs, payments = (
        session.store.escrows.outputs(order.contract_id),
        session.store.escrows.payments(order.contract_id),
    )
    return build_view(order, address, outputs, payments)


def build_view(
    order: Order,
    address: str | None = None,
    outputs: Sequence[EscrowOutput] = (),
    payments: Mapping[str, Payment] | None = None,
) -> OrderView:
    """An order as the identity with this master address sees it, or as everybody does.

    :param outputs, payments: what the store remembers of the order.
    """
    job, paid = order.job.document, payments or {}
    return OrderView(
        address=address,
        id=order.id,
        contract_id=order.contract_id,
        offer=order.offer.id if order.offer else None,
        state=order.state,
        job_id=job.job_id,
        name=job.name,
        tags=tuple(job.tags or ()),
        description=job.description,
        height=job.block_height,
        time=job.time,
        expires=job.expires,
        creator=job.creator,
        creator_address=job.creator_master_address,
        mediator=job.mediator,
        mediator_address=job.mediator_master_address,
        worker=order.bid.document.worker if order.bid else None,
        worker_address=order.master_address(Role.WORKER),
        price=order.bid.document.amount if order.bid else None,
        budget=format_budget(job.budget) if job.budget else None,
        budget_min=job.budget_min,
        budget_max=job.budget_max,
        deadline=job.deadline,
        bids=tuple(_bid(bid) for bid in order.bids),
        sealed_bidders=tuple(each.document.master_address for each in order.sealed_bids),
        sealed_bids=len(order.unopened_bids),
        rated=bool(order.ratings or order.void_ratings),
        ratings=tuple(RatingView(each.document.rated_master_address, each.document.rating) for each in order.ratings),
        disputed=bool(order.disputes),
        decision=None if not order.resolutions or _contradicts(order) else _decision(order),
        contradicted=_contradicts(order),
        escrows=() if address is None else tuple(_escrows(order, outputs, paid)),
        paid=() if address is None else tuple(_paid_to(order, address, paid)),
        step=next_step(order, address, paid, outputs),
        since=_since(order, outputs, list(paid.values())),
    )


def _bid(signed: Signed[Bid]) -> BidView:
    bid = signed.document
    return BidView(signed.id, bid.worker, bid.worker_master_address, bid.amount, bid.block_height)


def _contradicts(order: Order) -> bool:
    return len({each.document.worker_amount for each in order.resolutions}) > 1


def _decision(order: Order) -> Decision:
    first = order.resolutions[0].document
    given, back = first.worker_amount, first.creator_amount
    favours = Favour.EVEN if given == back else Favour.WORKER if given > back else Favour.CREATOR
    heights = {each.id: each.document.block_height for each in order.disputes}
    asked = heights.get(first.previous, first.block_height) if first.previous else first.block_height
    return Decision(favours, max(first.block_height - asked, 0))


def _since(order: Order, outputs: Sequence[EscrowOutput], payments: Sequence[Payment]) -> int:
    """The height of the newest thing that changed the state; ratings change none."""
    said = [*order.documents(), *order.conflict]
    heights: list[int] = [each.document.block_height for each in said if each not in order.ratings]
    paid = [each.height for each in payments if each.height is not None]
    if order.is_over and paid:
        return max(paid)
    came = [each.height for each in outputs if each.height is not None]
    return max([*heights, *came, *paid])


def _escrows(order: Order, outputs: Sequence[EscrowOutput], payments: Mapping[str, Payment]) -> Iterator[EscrowView]:
    terms = terms_if_any(order)
    if terms is None:
        return
    for held in recorded_funding(order, terms, outputs, payments).escrows:
        yield _escrow(held, [each for each in outputs if each.escrow_id == held.id], payments.get(held.id))


def _escrow(held: EscrowFunding, outputs: Sequence[EscrowOutput], payment: Payment | None) -> EscrowView:
    terms = held.terms
    return EscrowView(
        purse=terms.id,
        address=terms.escrow.address,
        descriptor=terms.escrow.descriptor,
        amount_sat=terms.amount,
        receiver=terms.payee.name,
        receives_sat=terms.price,
        fee_sat=terms.miner_fee,
        verdict=held.verdict.value,
        condition=", ".join(held.words()),
        outputs=tuple(OutputView(str(each.outpoint), each.amount, each.confirmations, each.spent) for each in outputs),
        payment=None if payment is None else _payment(payment),
    )


def _payment(payment: Payment) -> PaymentView:
    return PaymentView(
        purse=payment.escrow_id,
        txid=payment.txid,
        amount_sat=payment.amount,
        back_sat=payment.back,
        fee_sat=payment.fee,
        confirmations=payment.confirmations,
        ending=payment.ending,
        document_id=payment.document_id,
    )


def _paid_to(order: Order, address: str, payments: Mapping[str, Payment]) -> Iterator[Paid]:
    """What the order paid to the person with this master address."""
    job, bid, roles, kinds = order.job.document, order.bid, roles_in(order, address), kinds_of(order)
    for escrow_id, payment in sorted(payments.items()):
        parts: list[tuple[Sat, str]] = []
        if Role.CREATOR in roles:
            parts.append((payment.back, job.creator_payment_address))
        if Role.WORKER in roles and kinds.get(escrow_id) is EscrowKind.PRICE and bid is not None:
            parts.append((payment.amount, bid.document.worker_payment_address))
        if Role.MEDIATOR in roles and kinds.get(escrow_id) is EscrowKind.FEE:
            parts.append((payment.amount, job.mediator_payment_address))
        yield from (Paid(payment.txid, amount, where, payment.confirmations) for amount, where in parts if amount)
