"""Whether each server shows what others wrote in my jobs: a server that withholds it could make the other side believe
that it was never said.

That a server lacks a document says little: perhaps its author never gave it one. That it shows one no more which it
showed before, and whose removal is not in its feed, or that it shows another text, says more. What is known is in this
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
from rein.remote.fleet import Say, run_on_all
from rein.store.visibility import Foreign
from rein.workflows.orders.fold_cache import unfinished_orders
from rein.workflows.session import Session
from rein.workflows.sync.read_back import Checked, read_back

SAMPLE = 100
"""Documents of others that each server is asked for in a sync, chosen anew each time; bids and enrollments only if
there is room, for strangers decide how many there are."""
_LAST = frozenset({"bid", "enrollment"})
_ORDERS = 1_000

_random = SystemRandom()


class Showing(Enum):
    """How a server shows a document. LACKING: it was never seen to have it. REMOVED: its feed says so."""

    SHOWN = "shown"
    LACKING = "lacking"
    REMOVED = "removed"
    GONE = "gone"
    ALTERED = "altered"


@dataclass(frozen=True)
class Difference:
    """A document of one of my jobs that a server does not show as it is here. `job_id` is None for an enrollment."""

    document_id: DocumentId
    kind: str
    job_id: str | None
    showing: Showing


@dataclass(frozen=True)
class Sight:
    """How a server shows a document now, or why it could not be asked."""

    url: str
    document_id: DocumentId
    showing: Showing | None
    error: ReinError | None

    def json(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "document_id": self.document_id,
            "showing": self.showing.value if self.showing else None,
            "error": self.error.message if self.error else None,
        }


def to_ask_for(session: Session) -> list[Foreign]:
    """What others wrote in my unfinished jobs, or as much of it as is asked for at a time."""
    orders = unfinished_orders(session)
    some = orders if len(orders) <= _ORDERS else _random.sample(orders, _ORDERS)
    found = session.store.shown.foreign(session.network.name, some)
    _random.shuffle(found)
    return sorted(found, key=lambda each: each.kind in _LAST)[:SAMPLE]


def differences(session: Session, url: str, foreign: Sequence[Foreign], checked: Checked) -> list[Difference]:
    """What a server was asked for and does not show as it is here; remembers what it showed."""
    showings = _showings(session, url, {each.id: each.received_from for each in foreign}, checked)
    return [
        Difference(each.id, each.kind, each.job_id, showings[each.id]) for each in foreign if each.id in checked.lost
    ]


def who_shows(session: Session, order: Order) -> list[Sight]:
    """Ask every server for all documents of an order."""
    secret = session.store.sealed_bids(session.network.name)
    ids = [each for each in dict.fromkeys(each.id for each in order.all_documents()) if each not in secret]
    texts = session.store.texts(ids)
    received = {each.id: each.received_from for each in session.store.shown.foreign(session.network.name, [order.id])}
    sights: list[Sight] = []

    def work(server: Causeway, say: Say[Checked]) -> None:
        say(read_back(server, ids, texts))

    for report in run_on_all(session.servers, work):
        if report.error is not None:
            sights.extend(Sight(report.url, each, None, report.error) for each in ids)
        elif report.value is not None:
            showings = _showings(session, report.url, received, report.value)
            sights.extend(Sight(report.url, each, showings[each], None) for each in ids)
    return sights


def _showings(
    session: Session, url: str, received_from: Mapping[DocumentId, str], checked: Checked
) -> dict[DocumentId, Showing]:
    """What an answer comes to, knowing what the server showed before; remembers what it shows now."""
    before = session.store.shown.by(url)
    session.store.shown.add(url, [each for each in checked.given if not before.get(each) and each in received_from])
    placed = session.store.placements(url)

    def showing(document_id: DocumentId) -> Showing:
        if document_id in checked.given:
            return Showing.SHOWN
        if document_id in checked.altered:
            return Showing.ALTERED
        if document_id in before:
            return Showing.GONE if before[document_id] else Showing.REMOVED
        was_there = document_id in placed and placed[document_id].proved
        return Showing.GONE if was_there or received_from.get(document_id) == url else Showing.LACKING

    return {each: showing(each) for each in checked.asked}
