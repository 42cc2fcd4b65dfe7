"""The bids on one's jobs, and those one made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rein.protocol.documents import Bid
from rein.workflows.jobs.sealed_bids import Unopened, unopened_bids, unseal_bids
from rein.workflows.market.listings import BidFilter, ListedBid, Offered, Page, find_bids, is_open, load_offered
from rein.workflows.market.reputation import RatedPerson, known_ratings
from rein.workflows.orders.tip import newest_block
from rein.workflows.session import Session


@dataclass(frozen=True)
class BidRow:
    """A bid in a list. `status`: whether it was chosen, can be, or what became of its job; `sealed`: nobody but the two
    can read it yet."""

    offered: Offered
    worker: RatedPerson
    status: str
    sealed: bool

    @property
    def bid(self) -> Bid:
        return self.offered.bid.document

    def json(self) -> dict[str, Any]:
        return {
            "document_id": self.offered.bid.id,
            "job_id": self.bid.job_id,
            "job_document": self.offered.order.id,
            "job_name": self.bid.job_name,
            "amount_sat": self.bid.amount,
            "description": self.bid.description,
            "status": self.status,
            "worker": self.worker.json() | {"contact": self.bid.worker_contact},
            "sealed": self.sealed,
        }


@dataclass(frozen=True)
class BidList:
    """A page of bids, and the sealed ones that were not opened."""

    rows: tuple[BidRow, ...]
    page: Page[ListedBid]
    unopened: tuple[Unopened, ...]

    def json(self) -> dict[str, Any]:
        bids, unopened = [each.json() for each in self.rows], [each.json() for each in self.unopened]
        return {"bids": bids, "unopened": unopened, **self.page.json()}


def list_bids(
    session: Session,
    wanted: BidFilter,
    sort: str,
    cut: Callable[[Sequence[ListedBid]], Page[ListedBid]],
    *,
    unseal: bool = False,
) -> BidList:
    """The bids that are wanted.

    :param cut: takes the page out of all of them.
    :param unseal: open the sealed bids on my jobs first.
    :raises IdentityError: this home has no identity on this network.
    """
    _ = session.identity
    newest = newest_block(session)
    now = newest.time if newest else None
    unopened = unseal_bids(session) if unseal else unopened_bids(session)
    still_sealed = session.store.documents.sealed_bids(session.network.name)
    page = cut(find_bids(session, wanted, now, sort))
    ratings = known_ratings(session)
    rows = tuple(
        BidRow(
            each,
            ratings.person(each.bid.document.worker, each.bid.document.worker_master_address),
            _status(each, now),
            each.bid.id in still_sealed,
        )
        for each in load_offered(session, page.rows)
    )
    return BidList(rows, page, tuple(unopened))


def _status(offered: Offered, now: int | None) -> str:
    order = offered.order
    if order.bid is not None:
        return "chosen" if order.bid.id == offered.bid.id else "not chosen"
    return "open" if is_open(order, now) else order.state.value
