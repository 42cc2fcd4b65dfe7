"""What folds came to, kept in the database between runs, so that only what is new is folded.

The database drops what is kept of an order when a document of it, an enrollment of somebody in it or the chain's
evidence of it changes (`rein.store.schema`): what remains is what a fold would come to now. It is shown, and
chooses which orders to observe; nothing is signed because of it: every step that signs loads its order by
`rein.workflows.orders.load`, which verifies each document again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rein import __version__
from rein.lazy import lazy
from rein.protocol.values import DocumentId
from rein.store.tables.fold_cache import SummaryRow
from rein.workflows.orders.view import OrderView, parse_view
from rein.workflows.session import Session

if TYPE_CHECKING:
    from rein.workflows.orders import build_view, load
else:
    build_view = lazy("rein.workflows.orders.build_view")
    load = lazy("rein.workflows.orders.load")


_SHAPE = 6
"""Raised when what is kept has another shape than before, within one version of the program."""

VERSION = f"{__version__}/{_SHAPE}"

EVERYBODY = ""
"""The use under which views are kept that are the same for everybody."""

REFUSED, NO_JOB = "refused", "no job"
"""The states of what did not become an order: its job does not count, or is not here."""

Fold = Callable[[Session, Sequence[DocumentId]], Mapping[DocumentId, list[SummaryRow]]]
"""What orders come to: the rows of each, at least one, by contract id."""


@dataclass(frozen=True)
class RefusedJob:
    """A job that does not count, and why."""

    job_document: DocumentId
    job_id: str
    code: str
    message: str

    def json(self) -> dict[str, Any]:
        return vars(self)


@dataclass(frozen=True)
class Views:
    """What orders came to: a job with conflicting offers is there once for each that concerns the identity."""

    orders: list[OrderView]
    refused: list[RefusedJob]


def my_views(session: Session) -> Views:
    """Every order in which the identity has a part, as it sees them, oldest first."""
    network, address = session.network.name, session.address
    return _views(session, address, lambda: session.store.orders.of_person(network, address))


def public_views(session: Session, wanted: Callable[[], list[DocumentId]]) -> list[OrderView]:
    """These orders as everybody sees them, as far as their jobs count. Of two offers in one job none is looked at.

    :param wanted: as for `keep`.
    """
    return _views(replace(session, row=None), EVERYBODY, wanted).orders


def orders_to_watch(session: Session) -> list[DocumentId]:
    """The orders of which the chain may show something new."""
    return list(dict.fromkeys(view.id for view in my_views(session).orders if view.is_watched))


def unfinished_orders(session: Session) -> list[DocumentId]:
    """The orders that are not over, and in which the identity has a role."""
    return list(dict.fromkeys(view.id for view in my_views(session).orders if view.roles and not view.is_over))


def keep(session: Session, use: str, wanted: Callable[[], list[DocumentId]], fold: Fold) -> list[SummaryRow]:
    """The rows of these orders, in their order: those that are kept, and the others folded now.

    :param use: what the rows are for; each use keeps its own.
    :param wanted: asked within the same state of the database.
    """
    with session.store.snapshot():
        order_ids = wanted()
        kept = session.store.fold_cache.summaries(use, VERSION)
        missing = [each for each in order_ids if each not in kept]
        generation = session.store.fold_cache.generation()
        folded = fold(session, missing) if missing else {}
    if folded:
        session.store.fold_cache.set_summaries(
            use, VERSION, generation, [row for rows in folded.values() for row in rows]
        )
    return [row for each in order_ids for row in (kept.get(each) or folded[each])]


def _views(session: Session, use: str, wanted: Callable[[], list[DocumentId]]) -> Views:
    rows = keep(session, use, wanted, _fold)
    return Views(
        [parse_view(row.content) for row in rows if row.state not in (REFUSED, NO_JOB)],
        [RefusedJob(**json.loads(row.content)) for row in rows if row.state == REFUSED],
    )


def _fold(session: Session, order_ids: Sequence[DocumentId]) -> dict[DocumentId, list[SummaryRow]]:
    """The views of each order, by contract id."""
    loaded = load.load_orders(session, order_ids)
    found: dict[DocumentId, list[SummaryRow]] = {}
    for order in loaded.orders:
        row = SummaryRow(
            order.id, order.contract_id, order.state.value, build_view.view_of(session, order).serialised()
        )
        found.setdefault(order.id, []).append(row)
    for each in loaded.refused:
        refused = RefusedJob(each.job.id, each.job.document.job_id, each.reason.code, each.reason.message)
        found[each.job.id] = [SummaryRow(each.job.id, each.job.id, REFUSED, json.dumps(refused.json()))]
    return {
        each: sorted(found.get(each, [SummaryRow(each, each, NO_JOB, "")]), key=lambda row: row.contract_id)
        for each in order_ids
    }
