"""What is on offer: the jobs, bids and people known here, filtered, sorted and cut into pages. No server is asked,
except by a home that never asked one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from rein.btc.amounts import Sat
from rein.errors import InputError
from rein.protocol.documents import Bid, Enrollment, Kind
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.tables.hidden import Hideable
from rein.workflows.market.hide import hidden_names, is_hidden_bid, is_hidden_job
from rein.workflows.market.reputation import RatedPerson, known_ratings
from rein.workflows.orders.feeds import load_enrollments, pull
from rein.workflows.orders.fold_cache import public_views
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.people import is_meant, normalised
from rein.workflows.orders.tip import time_now
from rein.workflows.orders.view import BidView, OrderView, takes_bids
from rein.workflows.session import Session

_SHORTEST_PIECE = 6

T = TypeVar("T")


def is_open(order: Order, now: int | None) -> bool:
    """As `takes_bids`, of an order."""
    job = order.job.document
    return takes_bids(order.state, job.time, job.expires, now)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; numbered from 1."""

    rows: Sequence[T]
    number: int
    pages: int
    total: int

    def json(self) -> dict[str, Any]:
        """Where the page is in the list, without its rows."""
        return {"total": self.total, "page": self.number, "pages": self.pages}


def page(rows: Sequence[T], number: int, limit: int) -> Page[T]:
    """The rows of one page; a page beyond the last one is empty.

    :raises InputError: pages and rows are counted from 1.
    """
    if number < 1 or limit < 1:
        raise InputError("a page, and the rows on it, are counted from 1", hint="Such as: --page 1 --limit 30")
    start = (number - 1) * limit
    return Page(rows[start : start + limit], number, -(-len(rows) // limit), len(rows))


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """What a job must be; None, empty and False: no matter. The price, in satoshis, is that of at least one bid.
    `mediator` and `creator` are a name, master address or SIN. Part of the budget must be within its bounds; the
    deadline is a day, YYYY-MM-DD, not after `deadline_before`: jobs that name none are left out."""

    text: str = ""
    tags: Sequence[str] = ()
    min_price: Sat | None = None
    max_price: Sat | None = None
    open_only: bool = False
    mediator: str | None = None
    creator: str | None = None
    mine: bool = False
    expires_within: int | None = None
    min_budget: Sat | None = None
    max_budget: Sat | None = None
    deadline_before: str | None = None
    hidden_too: bool = False


@dataclass(frozen=True, kw_only=True)
class BidFilter:
    """What a bid must be. `job` is a Job ID or the beginning of a job document's id; `mine`: made by me."""

    job: str | None = None
    worker: str | None = None
    min_price: Sat | None = None
    max_price: Sat | None = None
    open_only: bool = False
    mine: bool = False
    hidden_too: bool = False


@dataclass(frozen=True)
class ListedJob:
    """A job in a list, as the identity sees it at this time."""

    order: OrderView
    roles: Sequence[str]
    is_open: bool
    creator: RatedPerson
    mediator: RatedPerson

    def json(self) -> dict[str, Any]:
        order = self.order
        return {
            "job_id": order.job_id,
            "job_document": order.id,
            "name": order.name,
            "tags": list(order.tags),
            "description": order.description,
            "state": order.state.value,
            "open": self.is_open,
            "expires": order.expires,
            "roles": list(self.roles),
            "creator": self.creator.json(),
            "mediator": self.mediator.json(),
            "bids": len(order.bids),
            "sealed_bids": order.sealed_bids,
            "lowest_bid_sat": order.lowest_bid,
            "budget_min_sat": order.budget_min,
            "budget_max_sat": order.budget_max,
            "deadline": order.deadline,
        }


@dataclass(frozen=True)
class FoundPerson:
    """Somebody in a list."""

    person: RatedPerson
    enrollment: Enrollment

    def json(self) -> dict[str, Any]:
        return self.person.json() | {
            "contact": self.enrollment.contact,
            "mediator": self.enrollment.willing_to_mediate,
        }


@dataclass(frozen=True)
class ListedBid:
    """A bid with the order in which it was made."""

    order: OrderView
    bid: BidView


@dataclass(frozen=True)
class Offered:
    """A bid, verified, with the order in which it was made."""

    order: Order
    bid: Signed[Bid]


JOB_SORTS: Final[Mapping[str, Callable[[OrderView], tuple[object, ...]]]] = {
    "newest": lambda order: (-order.height, order.id),
    "expiry": lambda order: (order.expires, order.id),
    "name": lambda order: (normalised(order.name), order.id),
    "bids": lambda order: (-len(order.bids), order.id),
    "price": lambda order: (not order.bids, order.lowest_bid or 0, order.id),
}
BID_SORTS: Final[Mapping[str, Callable[[ListedBid], tuple[object, ...]]]] = {
    "price": lambda each: (each.bid.amount, each.bid.id),
    "newest": lambda each: (-each.bid.height, each.bid.id),
    "worker": lambda each: (normalised(each.bid.worker), each.bid.id),
}
"""How lists can be sorted; the first one is the default."""


def open_market(session: Session) -> int | None:
    """Make the lists ready: a home that never fetched anything asks its servers first.

    :returns: the time by which the lists are read, as `time_now`.
    """
    if session.store.learned.fetched(session.network.name) is None:
        pull(session)
    return time_now(session)


def market(session: Session) -> list[OrderView]:
    """Every job here that counts, whoever posted it, in the order of arrival."""
    return public_views(session, lambda: session.store.orders.having(session.network.name, Kind.JOB))


def find_jobs(session: Session, wanted: JobFilter, now: int | None, sort: str = "newest") -> list[OrderView]:
    """The jobs that are wanted.

    :raises InputError: the list cannot be sorted so.
    """
    hidden = hidden_names(session)
    found = [
        order
        for order in market(session)
        if (wanted.hidden_too or not is_hidden_job(order, hidden)) and _is_wanted(session, order, wanted, now)
    ]
    return sorted(found, key=_sort(JOB_SORTS, sort))


def listed(session: Session, orders: Sequence[OrderView], now: int | None) -> list[ListedJob]:
    """Jobs as a list shows them."""
    ratings = known_ratings(session)
    return [
        ListedJob(
            each,
            sorted(role.value for role in each.roles_of(session.address)),
            each.is_open(now),
            ratings.person(each.creator, each.creator_address),
            ratings.person(each.mediator, each.mediator_address),
        )
        for each in orders
    ]


def find_bids(session: Session, wanted: BidFilter, now: int | None, sort: str = "price") -> list[ListedBid]:
    """The bids that are wanted, of those on my jobs and those of mine.

    :raises InputError: the list cannot be sorted so.
    """
    hidden = hidden_names(session)
    found = [
        ListedBid(order, bid)
        for order in public_views(
            session, lambda: session.store.orders.of_person(session.network.name, session.address)
        )
        if _is_job(order, wanted.job) and (order.is_open(now) or not wanted.open_only)
        for bid in order.bids
        if _is_wanted_bid(session, ListedBid(order, bid), wanted)
        and (wanted.hidden_too or not (is_hidden_job(order, hidden) or is_hidden_bid(bid, hidden)))
    ]
    return sorted(found, key=_sort(BID_SORTS, sort))


def load_offered(session: Session, listed: Sequence[ListedBid]) -> list[Offered]:
    """Listed bids as they were signed: read and verified, which a list of thousands would wait for."""
    found: dict[DocumentId, Offered] = {}
    for order in load_orders(session, dict.fromkeys(each.order.id for each in listed)).orders:
        for bid in order.bids:
            if bid.id not in found or order.bid == bid:  # of contradicting offers, the one that chose it
                found[bid.id] = Offered(order, bid)
    return [found[each.bid.id] for each in listed if each.bid.id in found]


def find_people(session: Session, text: str) -> list[Enrollment]:
    """Everybody enrolled whose name, contact, master address, delegate address or SIN holds every word, by name."""
    hidden = hidden_names(session)
    found = [
        signed.document
        for signed in load_enrollments(session)
        if (Hideable.PERSON, signed.document.master_address) not in hidden and is_described_by(signed.document, text)
    ]
    return sorted(found, key=lambda each: (normalised(each.user), each.master_address))


def listed_people(session: Session, people: Sequence[Enrollment]) -> list[FoundPerson]:
    """People as a list shows them."""
    ratings = known_ratings(session)
    return [FoundPerson(ratings.person(each.user, each.master_address), each) for each in people]


def is_described_by(person: Enrollment, text: str) -> bool:
    """Whether what somebody is called, or reached by, holds every word of a text. Of an address a word must be at least
    a piece: any two letters are in many."""
    names = normalised(f"{person.user}\n{person.contact}")
    addresses = f"{person.master_address}\n{person.delegate_address}\n{person.sin}".casefold()
    words = normalised(text).split()
    return all(word in names or (len(word) >= _SHORTEST_PIECE and word in addresses) for word in words)


def holds_words(text: str, searched: str) -> bool:
    """Whether every word of `text` is in `searched`, compared normalised."""
    normal = normalised(searched)
    return all(word in normal for word in normalised(text).split())


def _is_wanted(session: Session, order: OrderView, wanted: JobFilter, now: int | None) -> bool:
    if wanted.open_only and not order.is_open(now):
        return False
    if wanted.mine and not order.roles_of(session.address):
        return False
    if wanted.expires_within is not None and now is not None and order.expires > now + wanted.expires_within:
        return False
    if not set(map(normalised, wanted.tags)) <= set(map(normalised, order.tags)):
        return False
    if (wanted.min_price, wanted.max_price) != (None, None) and not any(
        _costs(bid.amount, wanted.min_price, wanted.max_price) for bid in order.bids
    ):
        return False
    if not _is_within_budget(order, wanted.min_budget, wanted.max_budget):
        return False
    if wanted.deadline_before is not None and (order.deadline is None or order.deadline > wanted.deadline_before):
        return False
    return (
        _is_person(wanted.mediator, order.mediator, order.mediator_address)
        and _is_person(wanted.creator, order.creator, order.creator_address)
        and holds_words(wanted.text, _words(order))
    )


def _is_wanted_bid(session: Session, listed: ListedBid, wanted: BidFilter) -> bool:
    bid = listed.bid
    is_mine = bid.worker_address == session.address
    if not (is_mine or (not wanted.mine and listed.order.creator_address == session.address)):
        return False
    is_theirs = _is_person(wanted.worker, bid.worker, bid.worker_address)
    return is_theirs and _costs(bid.amount, wanted.min_price, wanted.max_price)


def _is_job(order: OrderView, name: str | None) -> bool:
    return name is None or order.job_id == name or order.id.startswith(name)


def _costs(amount: Sat, lowest: Sat | None, highest: Sat | None) -> bool:
    return (lowest is None or amount >= lowest) and (highest is None or amount <= highest)


def _is_within_budget(order: OrderView, lowest: Sat | None, highest: Sat | None) -> bool:
    if (lowest, highest) == (None, None):
        return True
    if order.budget_max is None:
        return False
    return (lowest is None or order.budget_max >= lowest) and (highest is None or (order.budget_min or 0) <= highest)


def _is_person(wanted: str | None, name: str, master_address: str) -> bool:
    return wanted is None or is_meant(wanted, name, master_address)


def _words(order: OrderView) -> str:
    return "\n".join((order.name, order.job_id, *order.tags, order.description, order.creator, order.mediator))


def _sort(sorts: Mapping[str, Callable[[T], tuple[object, ...]]], name: str) -> Callable[[T], tuple[object, ...]]:
    if name not in sorts:
        raise InputError(f"this list cannot be sorted by {name[:20]!r}", hint=f"There is: {', '.join(sorts)}.")
    return sorts[name]
