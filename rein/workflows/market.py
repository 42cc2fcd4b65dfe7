"""What is on offer: the jobs, bids and people known here, filtered, sorted and cut into pages. Nothing is asked of any
server; `rein sync` fetches what is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rein.btc.amounts import Sat
from rein.errors import ChainError, InputError
from rein.protocol.documents import Bid, Enrollment, Job
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.store.notes import Hideable, SeenBlock
from rein.workflows.cases import market, roles_in
from rein.workflows.desk import Desk
from rein.workflows.pull import load_enrollments
from rein.workflows.who import is_address_of

AHEAD_SECONDS: Final = 7_200
"""How far a block's time may be ahead of the clocks that accept it. A job dated later than that names no block."""

T = TypeVar("T")


def newest_block(desk: Desk) -> SeenBlock | None:
    """The chain's tip: the clock of every list, because it is the same for everybody. Where the chain source cannot
    answer, the tip as last seen; None if it never was."""
    network = desk.network.name
    before = desk.store.notes.seen_block(network)
    try:
        tip = desk.chain.tip()
    except ChainError as error:
        desk.note(f"The chain was not asked for the time: {error.message}")
        return before
    seen = SeenBlock(tip.height, tip.time)
    if seen != before:
        desk.store.notes.set_seen_block(network, seen)
    return seen


def is_open(order: Order, now: int | None) -> bool:
    """Whether bids are taken: nobody has got the job, and it has not expired. One that never expires, because it is
    dated in the future, is not open.

    :param now: the time of the newest block, in seconds since 1970; None where no block was ever seen.
    """
    job = order.job.document
    if order.state not in (State.POSTED, State.BID):
        return False
    return now is None or (job.expires > now and job.time <= now + AHEAD_SECONDS)


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
        raise InputError("a page, and the rows on it, are counted from 1")
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
class Offered:
    """A bid with the order it stands in."""

    order: Order
    bid: Signed[Bid]


JOB_SORTS: Final[Mapping[str, Callable[[Order], tuple[object, ...]]]] = {
    "newest": lambda order: (-order.job.document.block_height, order.id),
    "expiry": lambda order: (order.job.document.expires, order.id),
    "name": lambda order: (order.job.document.name.casefold(), order.id),
    "bids": lambda order: (-len(order.bids), order.id),
    "price": lambda order: (not order.bids, lowest_bid(order) or 0, order.id),
}
BID_SORTS: Final[Mapping[str, Callable[[Offered], tuple[object, ...]]]] = {
    "price": lambda each: (each.bid.document.amount, each.bid.id),
    "newest": lambda each: (-each.bid.document.block_height, each.bid.id),
    "worker": lambda each: (each.bid.document.worker.casefold(), each.bid.id),
}
"""How lists can be sorted; the first one is what a list does unasked."""


def lowest_bid(order: Order) -> Sat | None:
    """The lowest price bid, in satoshis."""
    return min((bid.document.amount for bid in order.bids), default=None)


def find_jobs(desk: Desk, wanted: JobFilter, now: int | None, sort: str = "newest") -> list[Order]:
    """The jobs that are wanted.

    :raises InputError: there is no such order of lists.
    """
    hidden = hidden_names(desk)
    found = [
        order
        for order in market(desk).orders
        if (wanted.hidden_too or not is_hidden_job(order, hidden)) and _is_wanted(desk, order, wanted, now)
    ]
    return sorted(found, key=_sort(JOB_SORTS, sort))


def find_bids(desk: Desk, wanted: BidFilter, now: int | None, sort: str = "price") -> list[Offered]:
    """The bids that are wanted, of those on my jobs and those of mine.

    :raises InputError: there is no such order of lists.
    """
    hidden = hidden_names(desk)
    found = [
        Offered(order, bid)
        for order in market(desk).orders
        if _is_job(order, wanted.job) and (is_open(order, now) or not wanted.open_only)
        for bid in order.bids
        if _is_wanted_bid(desk, Offered(order, bid), wanted)
        and (wanted.hidden_too or not (is_hidden_job(order, hidden) or is_hidden_bid(bid, hidden)))
    ]
    return sorted(found, key=_sort(BID_SORTS, sort))


def find_people(desk: Desk, text: str) -> list[Enrollment]:
    """Everybody enrolled whose name, contact, master address, delegate address or SIN holds every word, by name."""
    hidden = hidden_names(desk)
    found = [
        signed.document
        for signed in load_enrollments(desk)
        if (Hideable.PERSON, signed.document.master_address) not in hidden
        and _holds(text, _spoken_names(signed.document))
    ]
    return sorted(found, key=lambda each: (each.user.casefold(), each.master_address))


def hidden_names(desk: Desk) -> set[tuple[Hideable, str]]:
    """What is hidden here."""
    return {(each.kind, each.name) for each in desk.store.notes.hidden(desk.network.name)}


def is_hidden_job(order: Order, hidden: set[tuple[Hideable, str]]) -> bool:
    """Whether a job or whoever posted it is hidden."""
    return (Hideable.JOB, order.id) in hidden or (
        Hideable.PERSON,
        order.job.document.creator_master_address,
    ) in hidden


def is_hidden_bid(bid: Signed[Bid], hidden: set[tuple[Hideable, str]]) -> bool:
    """Whether a bid or whoever made it is hidden."""
    return (Hideable.BID, bid.id) in hidden or (Hideable.PERSON, bid.document.worker_master_address) in hidden


def _is_wanted(desk: Desk, order: Order, wanted: JobFilter, now: int | None) -> bool:
    job = order.job.document
    if wanted.open_only and not is_open(order, now):
        return False
    if wanted.mine and not roles_in(order, desk.address):
        return False
    if wanted.expires_within is not None and now is not None and job.expires > now + wanted.expires_within:
        return False
    if not set(wanted.tags) <= set(job.tags or ()):
        return False
    if (wanted.min_price, wanted.max_price) != (None, None) and not any(
        _costs(bid.document.amount, wanted.min_price, wanted.max_price) for bid in order.bids
    ):
        return False
    return (
        _is_person(wanted.mediator, job.mediator, job.mediator_master_address)
        and _is_person(wanted.creator, job.creator, job.creator_master_address)
        and _holds(wanted.text, _words(job))
    )


def _is_wanted_bid(desk: Desk, offered: Offered, wanted: BidFilter) -> bool:
    bid = offered.bid.document
    is_mine = bid.worker_master_address == desk.address
    if not (is_mine or (not wanted.mine and offered.order.job.document.creator_master_address == desk.address)):
        return False
    return _costs(bid.amount, wanted.min_price, wanted.max_price) and _is_person(
        wanted.worker, bid.worker, bid.worker_master_address
    )


def _is_job(order: Order, name: str | None) -> bool:
    return name is None or order.job.document.job_id == name or order.id.startswith(name)


def _costs(amount: Sat, lowest: Sat | None, highest: Sat | None) -> bool:
    return (lowest is None or amount >= lowest) and (highest is None or amount <= highest)


def _is_person(wanted: str | None, name: str, master_address: str) -> bool:
    return wanted is None or wanted == name or is_address_of(wanted, master_address)


def _holds(text: str, searched: str) -> bool:
    """Every word of `text` stands in it, whatever the case."""
    folded = searched.casefold()
    return all(word in folded for word in text.casefold().split())


def _words(job: Job) -> str:
    return "\n".join((job.name, job.job_id, *(job.tags or ()), job.description, job.creator, job.mediator))


def _spoken_names(person: Enrollment) -> str:
    return "\n".join((person.user, person.contact, person.master_address, person.delegate_address, person.sin))


def _sort(sorts: Mapping[str, Callable[[T], tuple[object, ...]]], name: str) -> Callable[[T], tuple[object, ...]]:
    if name not in sorts:
        raise InputError(f"{name[:20]!r} is no order of this list", hint=f"There is: {', '.join(sorts)}.")
    return sorts[name]
