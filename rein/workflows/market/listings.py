"""What is on offer: the jobs, bids and people known here, filtered, sorted and cut into pages. Nothing is asked of any
server; `rein sync` fetches what is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rein.btc.amounts import Sat
from rein.errors import ChainError, InputError
from rein.protocol.documents import Bid, Enrollment
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.chain_tip import SeenBlock
from rein.store.hidden import Hideable
from rein.workflows.market.entries import Entry, EntryBid, entries, market
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.people import is_address_of
from rein.workflows.session import Session

AHEAD_SECONDS: Final = 7_200
"""How far a block's time may be ahead of the clocks that accept it. A job dated later than that names no block."""

_SHORTEST_PIECE = 6

_TAKES_BIDS = frozenset({State.POSTED.value, State.BID.value})

T = TypeVar("T")


def newest_block(session: Session) -> SeenBlock | None:
    """The chain's tip: the clock of every list, because it is the same for everybody. Where the chain source cannot
    answer, the tip as last seen; None if it never was."""
    try:
        return look_at_tip(session)
    except ChainError as error:
        session.note(f"The chain was not asked for the time: {error.message}")
        return session.store.chain_tip.get(session.network.name)


def look_at_tip(session: Session) -> SeenBlock:
    """The chain's tip, which is remembered.

    :raises ChainError: the chain source cannot answer.
    """
    tip = session.chain.tip()
    seen = SeenBlock(tip.height, tip.time)
    if seen != session.store.chain_tip.get(session.network.name):
        session.store.chain_tip.set(session.network.name, seen)
    return seen


def is_open(order: Order, now: int | None) -> bool:
    """Whether bids are taken: nobody has got the job, and it has not expired. One that never expires, because it is
    dated in the future, is not open.

    :param now: the time of the newest block, in seconds since 1970; None where no block was ever seen.
    """
    job = order.job.document
    return takes_bids(order.state.value, job.time, job.expires, now)


def is_open_entry(entry: Entry, now: int | None) -> bool:
    """The same of an entry."""
    return takes_bids(entry.state, entry.time, entry.expires, now)


def takes_bids(state: str, time: int, expires: int, now: int | None) -> bool:
    """The rule of `is_open`."""
    if state not in _TAKES_BIDS:
        return False
    return now is None or (expires > now and time <= now + AHEAD_SECONDS)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; numbered from 1."""

    rows: Sequence[T]
    number: int
    pages: int
    total: int


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
    `mediator` and `creator` are a name, master address or SIN."""

    text: str = ""
    tags: Sequence[str] = ()
    min_price: Sat | None = None
    max_price: Sat | None = None
    open_only: bool = False
    mediator: str | None = None
    creator: str | None = None
    mine: bool = False
    expires_within: int | None = None
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
class ListedBid:
    """A bid with the entry of the order it stands in."""

    entry: Entry
    bid: EntryBid


@dataclass(frozen=True)
class Offered:
    """A bid, verified, with the order it stands in."""

    order: Order
    bid: Signed[Bid]


JOB_SORTS: Final[Mapping[str, Callable[[Entry], tuple[object, ...]]]] = {
    "newest": lambda entry: (-entry.height, entry.id),
    "expiry": lambda entry: (entry.expires, entry.id),
    "name": lambda entry: (entry.name.casefold(), entry.id),
    "bids": lambda entry: (-len(entry.bids), entry.id),
    "price": lambda entry: (not entry.bids, entry.lowest_bid or 0, entry.id),
}
BID_SORTS: Final[Mapping[str, Callable[[ListedBid], tuple[object, ...]]]] = {
    "price": lambda each: (each.bid.amount, each.bid.id),
    "newest": lambda each: (-each.bid.height, each.bid.id),
    "worker": lambda each: (each.bid.worker.casefold(), each.bid.id),
}
"""How lists can be sorted; the first one is what a list does unasked."""


def find_jobs(session: Session, wanted: JobFilter, now: int | None, sort: str = "newest") -> list[Entry]:
    """The jobs that are wanted.

    :raises InputError: there is no such order of lists.
    """
    hidden = hidden_names(session)
    found = [
        entry
        for entry in market(session)
        if (wanted.hidden_too or not is_hidden_entry(entry, hidden)) and _is_wanted(session, entry, wanted, now)
    ]
    return sorted(found, key=_sort(JOB_SORTS, sort))


def find_bids(session: Session, wanted: BidFilter, now: int | None, sort: str = "price") -> list[ListedBid]:
    """The bids that are wanted, of those on my jobs and those of mine.

    :raises InputError: there is no such order of lists.
    """
    hidden = hidden_names(session)
    found = [
        ListedBid(entry, bid)
        for entry in entries(session, session.store.orders.of_person(session.network.name, session.address))
        if _is_job(entry, wanted.job) and (is_open_entry(entry, now) or not wanted.open_only)
        for bid in entry.bids
        if _is_wanted_bid(session, ListedBid(entry, bid), wanted)
        and (wanted.hidden_too or not (is_hidden_entry(entry, hidden) or is_hidden_bid(bid, hidden)))
    ]
    return sorted(found, key=_sort(BID_SORTS, sort))


def load_offered(session: Session, listed: Sequence[ListedBid]) -> list[Offered]:
    """Listed bids as they were signed: read and verified, which a list of thousands would wait for."""
    found: dict[DocumentId, Offered] = {}
    for order in load_orders(session, dict.fromkeys(each.entry.id for each in listed)).orders:
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
        if (Hideable.PERSON, signed.document.master_address) not in hidden and is_spoken_of(signed.document, text)
    ]
    return sorted(found, key=lambda each: (each.user.casefold(), each.master_address))


def is_spoken_of(person: Enrollment, text: str) -> bool:
    """Whether what somebody is called, or reached by, holds every word of a text. Of an address a word must be at least
    a piece: any two letters stand in many."""
    names = f"{person.user}\n{person.contact}".casefold()
    addresses = f"{person.master_address}\n{person.delegate_address}\n{person.sin}".casefold()
    words = text.casefold().split()
    return all(word in names or (len(word) >= _SHORTEST_PIECE and word in addresses) for word in words)


def hidden_names(session: Session) -> set[tuple[Hideable, str]]:
    """What is hidden here."""
    return {(each.kind, each.name) for each in session.store.hidden.of_network(session.network.name)}


def is_hidden_entry(entry: Entry, hidden: set[tuple[Hideable, str]]) -> bool:
    """Whether a job or whoever posted it is hidden."""
    return (Hideable.JOB, entry.id) in hidden or (Hideable.PERSON, entry.creator_address) in hidden


def is_hidden_bid(bid: EntryBid, hidden: set[tuple[Hideable, str]]) -> bool:
    """Whether a bid or whoever made it is hidden."""
    return (Hideable.BID, bid.id) in hidden or (Hideable.PERSON, bid.worker_address) in hidden


def _is_wanted(session: Session, entry: Entry, wanted: JobFilter, now: int | None) -> bool:
    if wanted.open_only and not is_open_entry(entry, now):
        return False
    if wanted.mine and not entry.roles_of(session.address):
        return False
    if wanted.expires_within is not None and now is not None and entry.expires > now + wanted.expires_within:
        return False
    if not set(wanted.tags) <= set(entry.tags):
        return False
    if (wanted.min_price, wanted.max_price) != (None, None) and not any(
        _costs(bid.amount, wanted.min_price, wanted.max_price) for bid in entry.bids
    ):
        return False
    return (
        _is_person(wanted.mediator, entry.mediator, entry.mediator_address)
        and _is_person(wanted.creator, entry.creator, entry.creator_address)
        and _holds(wanted.text, _words(entry))
    )


def _is_wanted_bid(session: Session, listed: ListedBid, wanted: BidFilter) -> bool:
    bid = listed.bid
    is_mine = bid.worker_address == session.address
    if not (is_mine or (not wanted.mine and listed.entry.creator_address == session.address)):
        return False
    is_theirs = _is_person(wanted.worker, bid.worker, bid.worker_address)
    return is_theirs and _costs(bid.amount, wanted.min_price, wanted.max_price)


def _is_job(entry: Entry, name: str | None) -> bool:
    return name is None or entry.job_id == name or entry.id.startswith(name)


def _costs(amount: Sat, lowest: Sat | None, highest: Sat | None) -> bool:
    return (lowest is None or amount >= lowest) and (highest is None or amount <= highest)


def _is_person(wanted: str | None, name: str, master_address: str) -> bool:
    return wanted is None or wanted == name or is_address_of(wanted, master_address)


def _holds(text: str, searched: str) -> bool:
    """Every word of `text` stands in it, whatever the case."""
    folded = searched.casefold()
    return all(word in folded for word in text.casefold().split())


def _words(entry: Entry) -> str:
    return "\n".join((entry.name, entry.job_id, *entry.tags, entry.description, entry.creator, entry.mediator))


def _sort(sorts: Mapping[str, Callable[[T], tuple[object, ...]]], name: str) -> Callable[[T], tuple[object, ...]]:
    if name not in sorts:
        raise InputError(f"{name[:20]!r} is no order of this list", hint=f"There is: {', '.join(sorts)}.")
    return sorts[name]
