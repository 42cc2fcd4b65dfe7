"""One order as one person sees it, or as everybody does: the shape of which lists, status and news are made.

It is built from the order and from what was last seen on the chain (`rein.workflows.orders.build_view`), cached
(`rein.workflows.orders.fold_cache`), and shown. Nothing in it depends on the time, and nothing is signed because of it.
Loading this module loads no documents.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from rein.protocol.enums import Role, State
from rein.workflows.orders.step import Step, Turn

if TYPE_CHECKING:
    from rein.btc.amounts import Sat
    from rein.protocol.values import DocumentId

AHEAD_SECONDS: Final = 7_200
"""How far a block's time may be ahead of the clocks that accept it. A job dated later than that names no block."""

DEEP: Final = 100
"""Confirmations after which a payment is not looked at any more."""


def roles_of(address: str | None, creator: str, mediator: str, workers: Collection[str]) -> frozenset[Role]:
    """What the identity with this master address is in an order.

    :param workers: the worker who got the job; while nobody has, everybody who bid.
    """
    found = (
        (Role.CREATOR, address == creator),
        (Role.MEDIATOR, address == mediator),
        (Role.WORKER, address in workers),
    )
    return frozenset(role for role, has in found if has)


def takes_bids(state: State, time: int, expires: int, now: int | None) -> bool:
    """Whether a job is open for bids: nobody has got it, and it has not expired. One that never expires, because it is
    dated in the future, is not open.

    :param now: the time of the newest block, in seconds since 1970; None where no block was ever seen.
    """
    return state.takes_bids and (now is None or (expires > now and time <= now + AHEAD_SECONDS))


@dataclass(frozen=True)
class BidView:
    """A bid: who asks how much, and the height it names."""

    id: DocumentId
    worker: str
    worker_address: str
    amount: Sat
    height: int

    def json(self) -> dict[str, Any]:
        return {"document_id": self.id, "worker": self.worker, "amount_sat": self.amount}


@dataclass(frozen=True)
class RatingView:
    """What somebody got, 0 to 5. It counts only if the order is over."""

    rated_address: str
    value: int


class Favour(Enum):
    """Who gets the larger part of the price by a mediator's decision."""

    CREATOR = "creator"
    WORKER = "worker"
    EVEN = "even"


@dataclass(frozen=True)
class Decision:
    """What the mediator decided, once, and how many blocks after the dispute, by the heights the two documents name."""

    favours: Favour
    blocks: int


@dataclass(frozen=True)
class OutputView:
    """An output of an escrow, as last seen."""

    outpoint: str
    amount_sat: Sat
    confirmations: int
    spent: bool


@dataclass(frozen=True)
class PaymentView:
    """A payment out of an escrow, on its way (0 confirmations) or in a block. `ending`: how it ends the job."""

    purse: str
    txid: str
    amount_sat: Sat
    back_sat: Sat
    fee_sat: Sat
    confirmations: int
    ending: str
    document_id: DocumentId


@dataclass(frozen=True)
class EscrowView:
    """An escrow: what was agreed on, and what is in it. `condition` is its state in words."""

    purse: str
    address: str
    descriptor: str
    amount_sat: Sat
    receiver: str
    receives_sat: Sat
    fee_sat: Sat
    verdict: str
    condition: str
    outputs: tuple[OutputView, ...]
    payment: PaymentView | None

    @property
    def is_done(self) -> bool:
        """Whether it was paid out long ago. An unspent output is money that somebody has to know of."""
        is_deep = self.payment is not None and self.payment.confirmations >= DEEP
        return is_deep and all(output.spent for output in self.outputs)

    def json(self) -> dict[str, Any]:
        return asdict(self) | {"outputs": [asdict(each) for each in self.outputs]}


@dataclass(frozen=True)
class Paid:
    """What the job paid to whoever looks at it. `own_wallet`: into the wallet of their identity; `spent`: since, as far
    as is known here; both are None until they are looked up."""

    txid: str
    amount_sat: Sat
    address: str
    confirmations: int
    own_wallet: bool | None = None
    spent: bool | None = None

    def json(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class OrderView:
    """An order as the identity with the master `address` sees it; None: as everybody does, without `escrows`, `paid`
    and anything to do.

    `height`, `time`, `expires`, `budget` (as the document has it) and `deadline` (YYYY-MM-DD) are the job's.
    `worker_address` is of whoever got the job; `sealed_bidders` are the master addresses of who made a sealed bid;
    `sealed_bids`: how many sealed bids are not opened here. `rated`: ratings were signed in it, count or not.
    `contradicted`: the mediator signed two different decisions. `since`: the height after which the order has its
    state, by the documents' own word, except for money.
    """

    address: str | None
    id: DocumentId
    contract_id: DocumentId
    offer: DocumentId | None
    state: State
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
    worker: str | None
    worker_address: str | None
    price: Sat | None
    budget: str | None
    budget_min: Sat | None
    budget_max: Sat | None
    deadline: str | None
    bids: tuple[BidView, ...]
    sealed_bidders: tuple[str, ...]
    sealed_bids: int
    rated: bool
    ratings: tuple[RatingView, ...]
    disputed: bool
    decision: Decision | None
    contradicted: bool
    escrows: tuple[EscrowView, ...]
    paid: tuple[Paid, ...]
    step: Step
    since: int

    @property
    def is_over(self) -> bool:
        """Whether the money has reached those it was for."""
        return self.state.is_over

    @property
    def roles(self) -> frozenset[Role]:
        """What whoever looks at it is in the order."""
        return self.roles_of(self.address)

    @property
    def lowest_bid(self) -> Sat | None:
        """The lowest price bid."""
        return min((bid.amount for bid in self.bids), default=None)

    @property
    def until(self) -> int | None:
        """Until when bids are wanted, in seconds since 1970; None once somebody got the job."""
        return self.expires if self.state.takes_bids else None

    @property
    def is_watched(self) -> bool:
        """Whether the chain may show something new."""
        return not self.state.takes_bids and not (self.is_over and all(each.is_done for each in self.escrows))

    @property
    def holds_money(self) -> bool:
        """Whether an escrow holds something, as last seen."""
        return any(not output.spent for escrow in self.escrows for output in escrow.outputs)

    def roles_of(self, address: str | None) -> frozenset[Role]:
        """As the function of this name."""
        bidders = (*(bid.worker_address for bid in self.bids), *self.sealed_bidders)
        workers = bidders if self.worker_address is None else (self.worker_address,)
        return roles_of(address, self.creator_address, self.mediator_address, workers)

    def is_open(self, now: int | None) -> bool:
        """As `takes_bids`."""
        return takes_bids(self.state, self.time, self.expires, now)

    def json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "job_id": self.job_id,
            "job_document": self.id,
            "name": self.name,
            "offer": self.offer,
            "state": self.state.value,
            "roles": sorted(role.value for role in self.roles),
            "creator": self.creator,
            "mediator": self.mediator,
            "worker": self.worker,
            "price_sat": self.price,
            "bids": [bid.json() for bid in self.bids],
            "sealed_bids": self.sealed_bids,
            "escrows": [each.json() for each in self.escrows],
            "paid": [each.json() for each in self.paid],
            "next": self.step.text,
            "due": self.step.due.value,
            "since_height": self.since,
            "until": self.until,
        }

    def serialised(self) -> str:
        """As it is cached."""
        return json.dumps(asdict(self), default=lambda each: each.value)


def parse_view(text: str) -> OrderView:
    """The view that was serialised so."""
    values = json.loads(text)
    values["state"] = State(values["state"])
    values["tags"] = tuple(values["tags"])
    values["bids"] = tuple(BidView(**each) for each in values["bids"])
    values["sealed_bidders"] = tuple(values["sealed_bidders"])
    values["ratings"] = tuple(RatingView(**each) for each in values["ratings"])
    if values["decision"] is not None:
        values["decision"] = Decision(Favour(values["decision"]["favours"]), values["decision"]["blocks"])
    values["escrows"] = tuple(map(_parse_escrow, values["escrows"]))
    values["paid"] = tuple(Paid(**each) for each in values["paid"])
    values["step"] = Step(Turn(values["step"]["due"]), values["step"]["text"])
    return OrderView(**values)


def _parse_escrow(values: dict[str, Any]) -> EscrowView:
    values["outputs"] = tuple(OutputView(**each) for each in values["outputs"])
    values["payment"] = None if values["payment"] is None else PaymentView(**values["payment"])
    return EscrowView(**values)
