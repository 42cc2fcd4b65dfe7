"""What lists show of each order, the same for everybody, kept between runs (`rein.workflows.orders.fold_cache`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from rein.btc.amounts import Sat
from rein.protocol.documents import Bid, Kind, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.fold_cache import SummaryRow
from rein.workflows.orders.fold_cache import keep
from rein.workflows.orders.load import load_orders
from rein.workflows.session import Session

EVERYBODY = ""
"""The use under which entries are kept."""

NONE = "none"
"""The state of what is no order: its job does not count, or is not here."""

_OVER = frozenset({State.SETTLED.value, State.REFUNDED.value})
EVEN = "even"


@dataclass(frozen=True)
class EntryBid:
    """A bid: who asks how much, and the height it names."""

    id: DocumentId
    worker: str
    worker_address: str
    amount: Sat
    height: int


@dataclass(frozen=True)
class EntryRating:
    """What somebody got, 0 to 5. It counts only if the order is over."""

    rated_address: str
    value: int


@dataclass(frozen=True)
class Decision:
    """What the mediator decided, once: the larger part of the price `favours` creator or worker, or is even; and how
    many blocks after the dispute, by the heights the two documents name."""

    favours: str
    blocks: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An order in a list. `height`, `time` and `expires` are the job's; `worker_address` is of whoever got the job.
    `sealed_bids`: how many there are whose bid is not known here. `rated`: ratings were signed in it, count or not.
    `contradicted`: the mediator signed two different decisions."""

    id: DocumentId
    job_id: str
    name: str
    tags: tuple[str, ...]
    description: str
    height: int
    time: int
    expires: int
    creator: str
    creator_address: str
    mediator: str
    mediator_address: str
    state: str
    worker_address: str | None
    bids: tuple[EntryBid, ...]
    sealed_bids: int
    rated: bool
    ratings: tuple[EntryRating, ...]
    disputed: bool
    decision: Decision | None
    contradicted: bool

    @property
    def is_over(self) -> bool:
        """Whether the money has reached those it was for."""
        return self.state in _OVER

    @property
    def lowest_bid(self) -> Sat | None:
        """The lowest price bid."""
        return min((bid.amount for bid in self.bids), default=None)

    def roles_of(self, address: str) -> set[Role]:
        """What somebody is in the order. A bidder is a worker until the job goes to somebody else."""
        workers = [bid.worker_address for bid in self.bids] if self.worker_address is None else [self.worker_address]
        found = {Role.CREATOR} if address == self.creator_address else set()
        found |= {Role.MEDIATOR} if address == self.mediator_address else set()
        return found | ({Role.WORKER} if address in workers else set())


def market(session: Session) -> list[Entry]:
    """Every job here that counts, whoever posted it, in the order of arrival."""
    return _entries(session, lambda: session.store.orders.having(session.network.name, Kind.JOB))


def entries(session: Session, order_ids: Sequence[DocumentId]) -> list[Entry]:
    """The entries of these orders, as far as their jobs count."""
    return _entries(session, lambda: list(order_ids))


def rated_entries(session: Session) -> list[Entry]:
    """Every order in which somebody rated somebody."""
    return entries(session, session.store.orders.having(session.network.name, Kind.RATING))


def entry_of(order: Order) -> Entry:
    """The entry of an order, as it is in no list of anybody's yet."""
    job = order.job.document
    return Entry(
        id=order.id,
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
        state=order.state.value,
        worker_address=order.master_address(Role.WORKER),
        bids=tuple(_bid(bid) for bid in order.bids),
        sealed_bids=len(order.unopened_bids),
        rated=bool(order.ratings or order.void_ratings),
        ratings=tuple(EntryRating(each.document.rated_master_address, each.document.rating) for each in order.ratings),
        disputed=bool(order.disputes),
        decision=None if not order.resolutions or _contradicts(order) else _decision(order),
        contradicted=_contradicts(order),
    )


def _entries(session: Session, wanted: Callable[[], list[DocumentId]]) -> list[Entry]:
    rows = keep(session, EVERYBODY, wanted, _fold)
    return [_read(row.content) for row in rows if row.state != NONE]


def _fold(session: Session, order_ids: Sequence[DocumentId]) -> dict[DocumentId, list[SummaryRow]]:
    """Nobody's view: of two offers in one job none is looked at."""
    found = {each: [SummaryRow(each, each, NONE, "{}")] for each in order_ids}
    for order in load_orders(replace(session, row=None), order_ids).orders:
        content = json.dumps(asdict(entry_of(order)))
        found[order.id] = [SummaryRow(order.id, order.contract_id, order.state.value, content)]
    return found


def _read(content: str) -> Entry:
    told = json.loads(content)
    told["tags"] = tuple(told["tags"])
    told["bids"] = tuple(EntryBid(**each) for each in told["bids"])
    told["ratings"] = tuple(EntryRating(**each) for each in told["ratings"])
    told["decision"] = None if told["decision"] is None else Decision(**told["decision"])
    return Entry(**told)


def _bid(signed: Signed[Bid]) -> EntryBid:
    bid = signed.document
    return EntryBid(signed.id, bid.worker, bid.worker_master_address, bid.amount, bid.block_height)


def _contradicts(order: Order) -> bool:
    return len({each.document.worker_amount for each in order.resolutions}) > 1


def _decision(order: Order) -> Decision:
    first = order.resolutions[0].document
    given, back = first.worker_amount, first.creator_amount
    favours = EVEN if given == back else (Role.WORKER if given > back else Role.CREATOR).value
    heights = {each.id: each.document.block_height for each in order.disputes}
    asked = heights.get(first.previous, first.block_height) if first.previous else first.block_height
    return Decision(favours, max(first.block_height - asked, 0))
