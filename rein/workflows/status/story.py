"""A job as a story: who signed what, and how the money moved, in the order of the blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rein.btc.amounts import Sat, format_btc
from rein.errors import ChainError
from rein.escrow.contract import EscrowKind
from rein.protocol.documents import (
    AcceptDelivery,
    AcceptResolution,
    Bid,
    Delivery,
    Dispute,
    DisputeResolution,
    Job,
    Offer,
    Rating,
    Refund,
    Role,
    SealedBid,
    Settlement,
)
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.protocol.values import format_fee
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.orders.build_view import view_of
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order, kinds_of
from rein.workflows.orders.outbox import json_of_document
from rein.workflows.orders.tip import time_now
from rein.workflows.orders.view import OrderView
from rein.workflows.session import Session
from rein.workflows.status.agenda import at_time, with_whereabouts
from rein.workflows.status.placing import Place, Span, place_of_block, spans_of

MAX_DATED: Final = 60
"""Blocks whose times are asked for in one story: strangers decide how many bids there are."""


@dataclass(frozen=True)
class Event:
    """Something that happened. `height`: of the block a document names, which is no newer than the document, or of the
    block that holds a transaction; None while it waits. `place`: of the newest block before which it cannot be; for a
    document, of what is above it in the story too. `learned`: when this home first heard of it, in seconds since 1970,
    if that was noted. `what` holds strangers' words; `by` signed the document."""

    height: int | None
    what: str
    document_id: str | None = None
    by: str | None = None
    txid: str | None = None
    place: int | None = None
    learned: int | None = None


@dataclass(frozen=True)
class Story:
    """One job: what happened, where its money is, what is next. `times`: of blocks, by height, in seconds since 1970,
    as far as the chain source has them."""

    order: Order
    view: OrderView
    events: list[Event]
    times: dict[int, int]

    def json(self) -> dict[str, Any]:
        order = self.order
        return self.view.json() | {
            "story": [self._event_json(event) for event in self.events],
            "documents": [json_of_document(signed) for signed in order.documents()],
            "apart": [
                {"document_id": each.document.id, "code": each.reason.code, "message": each.reason.message}
                for each in order.rejected
            ],
            "conflict": [signed.id for signed in order.conflict],
            "void_ratings": [signed.id for signed in order.void_ratings],
        }

    def _event_json(self, event: Event) -> dict[str, Any]:
        return {
            "height": event.height,
            "time": None if event.height is None else self.times.get(event.height),
            "what": event.what,
            "document_id": event.document_id,
            "signed_by": event.by,
            "txid": event.txid,
        }


def tell_story(session: Session, name: str) -> Story:
    """The story of the job of that name, after asking the servers.

    :raises NotFoundError, InputError: as `find_order`.
    """
    row = session.identity
    pull(session)
    order = find_order(session, name)
    unpublished = session.store.documents.unpublished_ids(session.network.name, session.address)
    view = at_time(view_of(session, order), time_now(session), unpublished)
    events = story_of(session, order)
    heights = {height for event in events for height in (event.height, event.place) if height is not None}
    times = times_of(session, heights)
    return Story(order, with_whereabouts(session, row, view), events, times)


def story_of(session: Session, order: Order) -> list[Event]:
    """What happened in an order, as far as it is known here, in the order that documents and blocks prove. What people
    wrote to each other is theirs."""
    sealed, contradicting = set(order.messages), (*order.conflict, *order.void_ratings)
    outputs = session.store.escrows.outputs(order.contract_id)
    payments = list(session.store.escrows.payments(order.contract_id).values())
    said = [(each, "") for each in order.documents() if each not in sealed]
    said += [(each, "contradicting another: ") for each in contradicting]
    names = [each.id for each, _ in said] + [str(each.outpoint) for each in outputs] + [each.txid for each in payments]
    learned, kinds = session.store.learned.times(names), kinds_of(order)
    spans = spans_of(order, [each for each, _ in said], outputs, payments)
    placed: list[tuple[Place, Event, str]] = [
        (spans[each.id].place, _said(order, each, remark), each.id) for each, remark in said
    ]
    moved = [(_came(each, payments), str(each.outpoint)) for each in outputs]
    moved += [(_paid(each, kinds.get(each.escrow_id)), each.txid) for each in payments]
    placed += [(place_of_block(event.height), event, name) for event, name in moved]
    placed.sort(key=lambda each: each[0])
    events = [replace(event, learned=learned.get(name), place=_lowest(spans, event)) for _, event, name in placed]
    return list(_rising(events))


def _lowest(spans: Mapping[str, Span], event: Event) -> int | None:
    return event.height if event.document_id is None else spans[event.document_id].after


def _rising(events: Iterable[Event]) -> Iterator[Event]:
    """The same, documents placed no lower than the blocks above them: in the story they count from then on."""
    newest = 0
    for each in events:
        newest = max(newest, each.place or 0)
        yield each if each.document_id is None else replace(each, place=newest)


def times_of(session: Session, heights: Iterable[int]) -> dict[int, int]:
    """The times of blocks by height, in seconds since 1970, as far as the chain source has them."""
    found: dict[int, int] = {}
    try:
        tip = session.chain.tip().height
        for height in sorted({each for each in heights if each <= tip})[:MAX_DATED]:
            found[height] = session.chain.block_at(height).time
    except ChainError:
        return found
    return found


def _said(order: Order, signed: Signed[Any], remark: str = "") -> Event:
    document = signed.document
    who = _name_of(order, document.author.master_address)
    return Event(document.block_height, f"{remark}{who} {_verb(document)}", signed.id, signed.address)


def _name_of(order: Order, address: str) -> str:
    job = order.job.document
    if address == job.creator_master_address:
        return f"{job.creator}, the creator,"
    if address == job.mediator_master_address:
        return f"{job.mediator}, the mediator,"
    name = next((bid.document.worker for bid in order.bids if bid.document.worker_master_address == address), address)
    is_worker = order.bid is not None and order.bid.document.worker_master_address == address
    return f"{name}, the worker," if is_worker else name


def _verb(document: Any) -> str:
    match document:
        case Job():
            return f"posted the job {document.name!r}; {document.mediator} mediates for {_fee(document)}"
        case Bid():
            return f"bid {_btc(document.amount)}: {document.description}"
        case SealedBid():
            return f"made a sealed bid, {document.bid[:12]}"
        case Offer():
            return f"gave the job to {document.worker} for {_btc(document.amount)}"
        case Delivery():
            return f"delivered: {document.deliverables}"
        case AcceptDelivery():
            return "accepted the delivery and signed both payments"
        case Settlement():
            return f"proposed to settle, {_split(document.worker_amount, document.creator_amount)}: {document.terms}"
        case Refund():
            return f"signed a refund: {document.reason}"
        case Dispute():
            return f"opened a dispute: {document.detail}"
        case DisputeResolution():
            given = _split(document.worker_amount, document.creator_amount)
            return f"decided, {given}: {document.resolution}"
        case AcceptResolution():
            return "accepted the mediator's decision"
        case Rating():
            comment = f": {document.comment}" if document.comment else ""
            return f"gave the {document.rated_role.value} {document.rating} of 5{comment}"
        case _:
            return f"signed a {document.TITLE}"


def _came(output: EscrowOutput, payments: Sequence[Payment]) -> Event:
    """An output that was spent before this home ever looked came no later than the payment that spent it."""
    what, height = f"{_btc(output.amount)} came into the {output.escrow_id} escrow", output.height
    if output.spent and height is None:
        height = next((each.height for each in payments if each.escrow_id == output.escrow_id), None)
        what = what if height is None else f"{what}, in this block or before"
    return Event(height, what, txid=output.outpoint.txid)


def _paid(payment: Payment, kind: EscrowKind | None) -> Event:
    receiver = (Role.MEDIATOR if kind is EscrowKind.FEE else Role.WORKER).value
    parts = [f"{_btc(payment.amount)} to the {receiver}"] if payment.amount else []
    parts += [f"{_btc(payment.back)} back to the creator"] if payment.back else []
    what = f"the {payment.escrow_id} escrow paid {', '.join([*parts, f'{payment.fee:,} sat to the miner'])}"
    return Event(payment.height, f"{what}, by {payment.ending}", txid=payment.txid)


def _split(worker: Sat, creator: Sat) -> str:
    return f"{_btc(worker)} to the worker and {_btc(creator)} to the creator"


def _fee(job: Job) -> str:
    return format_fee(job.mediator_fee)


def _btc(amount: Sat) -> str:
    return f"{format_btc(amount)} BTC"
