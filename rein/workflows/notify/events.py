"""What has happened that a person may want to know: derived from the documents and the chain, each under an id that is
the same whenever it is derived. What follows from an order is cached (`rein.workflows.orders.fold_cache`)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from rein.escrow.contract import EscrowKind
from rein.protocol.documents import Disclosure, Kind, Message, Rating, Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.tables.escrows import Payment
from rein.store.tables.fold_cache import SummaryRow
from rein.workflows.market.hide import hidden_names, is_hidden_job
from rein.workflows.market.listings import holds_words
from rein.workflows.orders.fold_cache import NO_JOB, keep, public_views
from rein.workflows.orders.load import kinds_of, load_orders, roles_in, was_funded
from rein.workflows.orders.people import normalised
from rein.workflows.orders.view import OrderView
from rein.workflows.session import Session


class EventType(StrEnum):
    """What can be asked for by `--on`."""

    JOB = "job"
    BID = "bid"
    OFFER = "offer"
    LOST = "lost"
    FUNDED = "funded"
    DELIVERY = "delivery"
    ACCEPTANCE = "acceptance"
    DISPUTE = "dispute"
    RESOLUTION = "resolution"
    SETTLEMENT = "settlement"
    REFUND = "refund"
    PAYMENT = "payment"
    MESSAGE = "message"
    RATING = "rating"
    DISAPPEARED = "disappeared"


_TYPE_OF: dict[Kind, EventType] = {
    Kind.BID: EventType.BID,
    Kind.SEALED_BID: EventType.BID,
    Kind.OFFER: EventType.OFFER,
    Kind.DELIVERY: EventType.DELIVERY,
    Kind.ACCEPT: EventType.ACCEPTANCE,
    Kind.SETTLEMENT: EventType.SETTLEMENT,
    Kind.REFUND: EventType.REFUND,
    Kind.CREATOR_DISPUTE: EventType.DISPUTE,
    Kind.WORKER_DISPUTE: EventType.DISPUTE,
    Kind.RESOLUTION: EventType.RESOLUTION,
    Kind.ACCEPT_RESOLUTION: EventType.RESOLUTION,
    Kind.MESSAGE: EventType.MESSAGE,
    Kind.DISCLOSURE: EventType.MESSAGE,
    Kind.RATING: EventType.RATING,
}

_GONE = "gone:"
"""How the id of a disappearance begins; the id of what disappeared follows."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a job. `author` is the master address of whose document it is; `txid` and
    `amount_sat` are of a payment. Only `job_name` is text of a stranger's."""

    id: str
    type: EventType
    network: str
    job_id: str
    job_document: str
    job_name: str
    state: str
    document_id: str | None = None
    author: str | None = None
    txid: str | None = None
    amount_sat: int | None = None


@dataclass(frozen=True)
class Wanted:
    """Which new jobs are worth a notification: with one of these tags, and these words in name or description."""

    tags: tuple[str, ...] = ()
    words: str = ""

    def matches(self, job: OrderView) -> bool:
        is_tagged = not self.tags or bool({*map(normalised, self.tags)} & {*map(normalised, job.tags)})
        return is_tagged and holds_words(self.words, f"{job.name}\n{job.description}")


def news(session: Session, noticed: Collection[str]) -> Iterator[Event]:
    """What has happened in the orders of the identity and was not noticed before.

    :param noticed: the ids of earlier events: what the chain showed then and does not show now has disappeared.
    """
    shown_once = _shown_once(noticed)
    wanted = lambda: session.store.orders.of_person(session.network.name, session.address)  # noqa: E731 - a name for what is asked
    for row in keep(session, f"{session.address} watch", wanted, _fold):
        happened = json.loads(row.content)
        for each in happened["said"]:
            if each["id"] not in noticed:
                yield _read(each)
        if happened["chain"] is not None:
            yield from _of_chain(happened["chain"], happened["shown"], noticed, shown_once[row.contract_id])


def new_jobs(session: Session, wanted: Wanted, now: int, noticed: Collection[str]) -> tuple[list[Event], list[Event]]:
    """The jobs of others that were not noticed before: those worth a notification, and the rest.

    :param now: seconds since 1970; a job that takes no bids any more is not worth one.
    """
    ids = [each for each in session.store.orders.having(session.network.name, Kind.JOB) if f"job:{each}" not in noticed]
    hidden = hidden_names(session) if ids else set()
    wanted_jobs: list[Event] = []
    rest: list[Event] = []
    for job in public_views(session, lambda: ids) if ids else ():
        event = Event(
            id=f"job:{job.id}",
            type=EventType.JOB,
            network=session.network.name,
            job_id=job.job_id,
            job_document=job.id,
            job_name=job.name,
            state=job.state.value,
            document_id=job.id,
            author=job.creator_address,
        )
        is_for_me = job.is_open(now) and not is_hidden_job(job, hidden)
        is_for_me = is_for_me and not job.roles_of(session.address) and wanted.matches(job)
        (wanted_jobs if is_for_me else rest).append(event)
    return wanted_jobs, rest


def _fold(session: Session, order_ids: Sequence[DocumentId]) -> dict[DocumentId, list[SummaryRow]]:
    """Of each view of an order: what documents say, what the chain shows (under ids without the number of the time),
    and what an event of the chain begins with, where there is one."""
    found: dict[DocumentId, list[SummaryRow]] = {}
    for order in load_orders(session, order_ids).orders:
        said = (_of_document(session, order, signed) for signed in (*order.documents(), *order.conflict))
        is_mine = order.offer is not None and bool(roles_in(order, session.address))
        happened = {
            "said": [asdict(event) for event in said if event is not None],
            "shown": [asdict(event) for event in _shown(session, order)] if is_mine else [],
            "chain": asdict(_event(order, "", EventType.DISAPPEARED, order.offer)) if is_mine and order.offer else None,
        }
        row = SummaryRow(order.id, order.contract_id, order.state.value, json.dumps(happened))
        found.setdefault(order.id, []).append(row)
    nothing = json.dumps({"said": [], "shown": [], "chain": None})
    return {each: found.get(each, [SummaryRow(each, each, NO_JOB, nothing)]) for each in order_ids}


def _read(values: dict[str, Any]) -> Event:
    return Event(**values | {"type": EventType(values["type"])})


def _of_document(session: Session, order: Order, signed: Signed[Any]) -> Event | None:
    document, me = signed.document, session.address
    kind = _TYPE_OF.get(document.KIND)
    if kind is None or document.author.master_address == me or _was_sealed(order, signed):
        return None
    if kind is EventType.OFFER and _has_lost(order, me):
        kind = EventType.LOST
    elif not _is_for(document, kind, roles_in(order, me), me):
        return None
    return _event(order, f"{kind}:{signed.id}", kind, signed)


def _was_sealed(order: Order, signed: Signed[Any]) -> bool:
    """Whether this is a bid that came sealed: then there was an event for the sealed one."""
    return any(each.document.bid == signed.id for each in order.sealed_bids)


def _is_for(document: Any, kind: EventType, roles: frozenset[Role], me: str) -> bool:
    if isinstance(document, (Message, Disclosure)):
        return bool(document.to_address == me)
    if isinstance(document, Rating):
        return document.rated_master_address == me
    return bool(roles) and (kind is not EventType.BID or Role.CREATOR in roles)


def _has_lost(order: Order, me: str) -> bool:
    """Whether somebody bid on a job that went to another bid."""
    bidders = {bid.document.worker_master_address for bid in order.bids}
    return order.bid is not None and me in bidders and not roles_in(order, me)


def _shown(session: Session, order: Order) -> Iterator[Event]:
    if order.offer is None:
        return
    if was_funded(session, order):
        yield _event(order, f"funded:{order.contract_id}", EventType.FUNDED, order.offer)
    for payment in session.store.escrows.payments(order.contract_id).values():
        if _is_confirmed(order, payment):
            event = _event(order, f"payment:{order.contract_id}:{payment.txid}", EventType.PAYMENT, order.offer)
            yield replace(event, txid=payment.txid, amount_sat=payment.amount)


def _of_chain(
    chain: dict[str, Any], shown: list[dict[str, Any]], noticed: Collection[str], before: Collection[str]
) -> Iterator[Event]:
    """What the chain shows may go and come again, in a reorganisation or a double spend; each time has its number.

    :param before: the ids, without their numbers, of what it has shown of this contract so far.
    """
    for each in shown:
        numbered = f"{each['id']}#{_times_gone(each['id'], noticed) + 1}"
        if numbered not in noticed:
            yield _read(each | {"id": numbered})
    for base in sorted(set(before) - {each["id"] for each in shown}):
        last = f"{base}#{_times_gone(base, noticed) + 1}"
        if last in noticed:
            txid = base.rpartition(":")[2] if base.startswith("payment:") else None
            yield _read(chain | {"id": _GONE + last, "txid": txid})


def _shown_once(noticed: Collection[str]) -> dict[str, set[str]]:
    """The ids of what the chain has shown, without their numbers, by contract."""
    found: dict[str, set[str]] = defaultdict(set)
    for each in noticed:
        if each.startswith(("funded:", "payment:")):
            base = each.partition("#")[0]
            found[base.split(":")[1]].add(base)
    return found


def _times_gone(base: str, noticed: Collection[str]) -> int:
    count = 0
    while f"{_GONE}{base}#{count + 1}" in noticed:
        count += 1
    return count


def _is_confirmed(order: Order, payment: Payment) -> bool:
    is_fee = kinds_of(order).get(payment.escrow_id) is EscrowKind.FEE
    return order.evidence.mediator_paid if is_fee else order.evidence.primary_paid


def _event(order: Order, event_id: str, kind: EventType, signed: Signed[Any]) -> Event:
    job = order.job.document
    return Event(
        id=event_id,
        type=kind,
        network=job.network.name,
        job_id=job.job_id,
        job_document=order.id,
        job_name=job.name,
        state=order.state.value,
        document_id=signed.id,
        author=signed.document.author.master_address,
    )
