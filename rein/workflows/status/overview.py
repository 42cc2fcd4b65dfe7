"""Where all my orders stand, kept between runs (`rein.workflows.orders.fold_cache`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rein.protocol.values import DocumentId
from rein.store.fold_cache import SummaryRow
from rein.workflows.orders.fold_cache import keep
from rein.workflows.session import Session

REFUSED, NO_JOB = "refused", "no job"
"""The states of what is no order: its job does not count, or is not here."""

_NOT_WATCHED = frozenset({REFUSED, NO_JOB, "posted", "bid"})
_OVER = frozenset({"settled", "refunded"})
_DEEP = 100
"""Confirmations after which a payment is not looked at any more."""


@dataclass(frozen=True)
class Overview:
    """The orders of the identity, oldest first, and the jobs that do not count; as `rein status --json` has them. A job
    with conflicting offers is there once for each."""

    jobs: list[dict[str, Any]]
    refused: list[dict[str, Any]]


def overview(session: Session) -> Overview:
    """Every order in which the identity has a part."""
    rows = _summaries(session)
    return Overview(
        jobs=[json.loads(row.content) for row in rows if row.state not in (REFUSED, NO_JOB)],
        refused=[json.loads(row.content) for row in rows if row.state == REFUSED],
    )


def orders_to_watch(session: Session) -> list[DocumentId]:
    """The orders of which the chain may have something new to tell."""
    watched = [row for row in _summaries(session) if row.state not in _NOT_WATCHED]
    lively = [row.order_id for row in watched if row.state not in _OVER or not _is_deep(json.loads(row.content))]
    return list(dict.fromkeys(lively))


def unfinished_orders(session: Session) -> list[DocumentId]:
    """The orders that are not over, and in which the identity is somebody."""
    lively = [row for row in _summaries(session) if row.state not in (REFUSED, NO_JOB, *_OVER)]
    return list(dict.fromkeys(row.order_id for row in lively if json.loads(row.content)["roles"]))


def _is_deep(content: dict[str, Any]) -> bool:
    """Whether every escrow was paid out long ago. An output that is unspent is money somebody has to hear of."""
    return all(
        escrow["payment"] is not None
        and escrow["payment"]["confirmations"] >= _DEEP
        and all(output["spent"] for output in escrow["outputs"])
        for escrow in content["escrows"]
    )


def _summaries(session: Session) -> list[SummaryRow]:
    """Of all my orders, all views."""
    return keep(
        session, session.address, lambda: session.store.orders.of_person(session.network.name, session.address), _fold
    )


def _fold(session: Session, order_ids: Sequence[DocumentId]) -> dict[DocumentId, list[SummaryRow]]:
    """The views of each order, by contract id."""
    from rein.workflows.orders.load import load_orders
    from rein.workflows.status.summary import summary

    cases = load_orders(session, order_ids)
    found: dict[DocumentId, list[SummaryRow]] = {}
    for order in cases.orders:
        content = json.dumps(summary(session, order))
        found.setdefault(order.id, []).append(SummaryRow(order.id, order.contract_id, order.state.value, content))
    for each in cases.refused:
        told = {"job_document": each.job.id, "job_id": each.job.document.job_id, "code": each.reason.code}
        content = json.dumps(told | {"message": each.reason.message})
        found[each.job.id] = [SummaryRow(each.job.id, each.job.id, REFUSED, content)]
    return {
        each: sorted(found.get(each, [SummaryRow(each, each, NO_JOB, "{}")]), key=lambda row: row.contract_id)
        for each in order_ids
    }
