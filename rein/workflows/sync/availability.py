"""Whether each server gives what others wrote in my jobs: a server that withholds it could make the other side believe
that it was never said.

That a document is absent says little: perhaps its author never gave it to that server. That a server withholds one
which it gave before, and whose removal is not in its feed, or gives another text, says more. What is known is in this
home all the same, and counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from secrets import SystemRandom
from typing import Any

from rein.errors import ReinError
from rein.protocol.orders import Order
from rein.protocol.values import DocumentId
from rein.remote.causeway import Causeway
from rein.remote.fleet import Emit, run_on_all
from rein.store.tables.visibility import ForeignDocument
from rein.workflows.orders.fold_cache import unfinished_orders
from rein.workflows.session import Session
from rein.workflows.sync.read_back import Checked, read_back

SAMPLE = 100
"""Documents of others that each server is asked for in a sync, chosen at random each time; bids and enrollments only if
there is room, for strangers decide how many there are."""
_LAST = frozenset({"bid", "enrollment"})
_ORDERS = 1_000

_random = SystemRandom()


class Availability(Enum):
    """Whether a server gives a document to whoever asks. ABSENT: it was never seen to have it. REMOVED: its feed
    says so. WITHHELD: it had it, and does not give it now."""

    AVAILABLE = "shown"
    ABSENT = "lacking"
    REMOVED = "removed"
    WITHHELD = "gone"
    ALTERED = "altered"


@dataclass(frozen=True)
class Discrepancy:
    """A document of one of my jobs that a server does not show as it is here. `job_id` is None for an enrollment."""

    document_id: DocumentId
    kind: str
    job_id: str | None
    showing: Availability

    def json(self) -> dict[str, Any]:
        return {
            "document_id": self.document_id,
            "kind": self.kind,
            "job_id": self.job_id,
            "showing": self.showing.value,
        }


@dataclass(frozen=True)
class DocumentAvailability:
    """Whether a server gives a document now (`showing`), or why it could not be asked."""

    url: str
    document_id: DocumentId
    showing: Availability | None
    error: ReinError | None

    def json(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "document_id": self.document_id,
            "showing": self.showing.value if self.showing else None,
            "error": self.error.message if self.error else None,
        }


def sample_of_others(session: Session) -> list[ForeignDocument]:
    """What others wrote in my unfinished jobs, or as much of it as is asked for at a time."""
    orders = unfinished_orders(session)
    some = orders if len(orders) <= _ORDERS else _random.sample(orders, _ORDERS)
    found = session.store.visibility.foreign(session.network.name, some)
    _random.shuffle(found)
    return sorted(found, key=lambda each: each.kind in _LAST)[:SAMPLE]


def discrepancies(
    session: Session, url: str, foreign: Sequence[ForeignDocument], checked: Checked
) -> list[Discrepancy]:
    """What a server was asked for and does not show as it is here; remembers what it showed."""
    states = _availability(session, url, {each.id: each.received_from for each in foreign}, checked)
    return [
        Discrepancy(each.id, each.kind, each.job_id, states[each.id]) for each in foreign if each.id in checked.lost
    ]


def check_availability(session: Session, order: Order) -> list[DocumentAvailability]:
    """Ask every server for all documents of an order."""
    sealed = session.store.documents.sealed_bids(session.network.name)
    ids = [each for each in dict.fromkeys(each.id for each in order.all_documents()) if each not in sealed]
    texts = session.store.documents.texts(ids)
    received = {
        each.id: each.received_from for each in session.store.visibility.foreign(session.network.name, [order.id])
    }
    found: list[DocumentAvailability] = []

    def work(server: Causeway, emit: Emit[Checked]) -> None:
        emit(read_back(server, ids, texts))

    for report in run_on_all(session.servers, work):
        if report.error is not None:
            found.extend(DocumentAvailability(report.url, each, None, report.error) for each in ids)
        elif report.value is not None:
            states = _availability(session, report.url, received, report.value)
            found.extend(DocumentAvailability(report.url, each, states[each], None) for each in ids)
    return found


def _availability(
    session: Session, url: str, received_from: Mapping[DocumentId, str], checked: Checked
) -> dict[DocumentId, Availability]:
    """What an answer comes to, knowing what the server showed before; remembers what it shows now."""
    before = session.store.visibility.on_server(url)
    session.store.visibility.record(
        url, [each for each in checked.given if not before.get(each) and each in received_from]
    )
    placed = session.store.servers.placements(url)

    def state(document_id: DocumentId) -> Availability:
        if document_id in checked.given:
            return Availability.AVAILABLE
        if document_id in checked.altered:
            return Availability.ALTERED
        if document_id in before:
            return Availability.WITHHELD if before[document_id] else Availability.REMOVED
        was_there = document_id in placed and placed[document_id].proved
        return Availability.WITHHELD if was_there or received_from.get(document_id) == url else Availability.ABSENT

    return {each: state(each) for each in checked.asked}
