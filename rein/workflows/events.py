"""What has happened that a person may want to be told: read off the documents and the chain, each under an id that is
the same whenever it is looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rein.escrow.contract import Purse
from rein.protocol.documents import Disclosure, Job, Kind, Message, Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.store import Payment
from rein.workflows.cases import Cases, load_orders, roles_in
from rein.workflows.desk import Desk


class EventType(StrEnum):
    """What can be asked for by `--on`."""

    JOB = "job"
    BID = "bid"
    OFFER = "offer"
    FUNDED = "funded"
    DELIVERY = "delivery"
    ACCEPTANCE = "acceptance"
    DISPUTE = "dispute"
    RESOLUTION = "resolution"
    SETTLEMENT = "settlement"
    REFUND = "refund"
    PAYMENT = "payment"
    MESSAGE = "message"
    DISAPPEARED = "disappeared"


_TYPE_OF: dict[Kind, EventType] = {
    Kind.BID: EventType.BID,
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
}

_GONE = "gone:"
"""How the id of a disappearance begins; the id of what disappeared follows."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a job. `author` is the master address of whose document it is; `txid` and
    `amount_sat` are of a payment. Only `job_name` is a stranger's own words."""

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
    """Which new jobs are worth telling: with one of these tags, and with these words in name or description."""

    tags: tuple[str, ...] = ()
    words: str = ""

    def matches(self, job: Job) -> bool:
        is_tagged = not self.tags or bool(set(self.tags) & set(job.tags or ()))
        return is_tagged and self.words.casefold() in f"{job.name}\n{job.description}".casefold()


def events_of(desk: Desk, orders: Sequence[Order], noticed: Collection[str]) -> Iterator[Event]:
    """Everything that has happened in these orders of the identity, noticed before or not.

    :param noticed: the ids of earlier events: what the chain showed then and does not show now has disappeared.
    """
    for order in orders:
        for signed in (*order.documents(), *order.conflict):
            event = _of_document(desk, order, signed)
            if event is not None:
                yield event
        yield from _of_chain(desk, order, noticed)


def new_jobs(desk: Desk, wanted: Wanted, now: int, noticed: Collection[str]) -> tuple[list[Event], list[Event]]:
    """The jobs of others that were not noticed before: those worth telling, and the rest.

    :param now: seconds since 1970; who comes too late to bid is told nothing.
    """
    ids = [each for each in desk.store.orders_with(desk.network.name, Kind.JOB) if f"job:{each}" not in noticed]
    cases: Cases = load_orders(desk, ids)
    told: list[Event] = []
    rest: list[Event] = []
    for order in cases.orders:
        job = order.job.document
        event = _event(order, f"job:{order.id}", EventType.JOB, order.job)
        is_open = order.offer is None and job.expires > now and not roles_in(order, desk.address)
        (told if is_open and wanted.matches(job) else rest).append(event)
    return told, rest


def _of_document(desk: Desk, order: Order, signed: Signed[Any]) -> Event | None:
    document, me = signed.document, desk.address
    kind = _TYPE_OF.get(document.KIND)
    roles = roles_in(order, me)
    if kind is None or document.author.master_address == me:
        return None
    if isinstance(document, (Message, Disclosure)):
        if document.to_address != me:
            return None
    elif not roles or (kind is EventType.BID and Role.CREATOR not in roles):
        return None
    return _event(order, f"{kind}:{signed.id}", kind, signed)


def _of_chain(desk: Desk, order: Order, noticed: Collection[str]) -> Iterator[Event]:
    """What the chain shows may go and come again, in a reorganisation or a double spend; each time has its number."""
    if order.offer is None or not roles_in(order, desk.address):
        return
    facts = {f"funded:{order.contract_id}": _event(order, "", EventType.FUNDED, order.offer)}
    if not order.evidence.funded:
        facts = {}
    for payment in desk.store.payments(order.contract_id).values():
        if _is_confirmed(order, payment):
            event = _event(order, "", EventType.PAYMENT, order.offer)
            facts[f"payment:{order.contract_id}:{payment.txid}"] = dataclasses.replace(
                event, txid=payment.txid, amount_sat=payment.amount
            )
    for base, event in facts.items():
        yield dataclasses.replace(event, id=f"{base}#{_times_gone(base, noticed) + 1}")
    mine = (f"funded:{order.contract_id}", f"payment:{order.contract_id}:")
    for base in {each.partition("#")[0] for each in noticed if each.startswith(mine)} - set(facts):
        last = f"{base}#{_times_gone(base, noticed) + 1}"
        if last in noticed:
            txid = base.rpartition(":")[2] if base.startswith("payment:") else None
            event = _event(order, _GONE + last, EventType.DISAPPEARED, order.offer)
            yield dataclasses.replace(event, txid=txid)


def _times_gone(base: str, noticed: Collection[str]) -> int:
    count = 0
    while f"{_GONE}{base}#{count + 1}" in noticed:
        count += 1
    return count


def _is_confirmed(order: Order, payment: Payment) -> bool:
    is_primary = payment.purse == Purse.PRIMARY.value
    return order.evidence.primary_paid if is_primary else order.evidence.mediator_paid


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
