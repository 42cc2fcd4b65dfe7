"""GET /healthz, /readyz and /metrics: for the operator's machines."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response

from causeway.api.rates import this_client
from causeway.api.responses import success
from causeway.db.migrate import is_at_head
from causeway.errors import NotLocalError, NotReadyError
from causeway.ops.metrics import (
    BYTES,
    CONTENT_TYPE,
    CREDITED,
    DOCUMENTS,
    ORDERS_LATE,
    ORDERS_OPEN,
    ORDERS_PAID,
    REPLICA_BYTES,
    WATCHER_HEIGHT,
    WATCHER_LAG,
    WATCHER_SUCCESS,
    Family,
    Sample,
)
from causeway.payments.figures import Figures
from causeway.replication import status as replication
from causeway.services import services
from rein.chain.source import BlockRef

views = Blueprint("health", __name__)


@views.get("/healthz")
def healthz() -> Response:
    """Whether the process answers."""
    return success({})


@views.get("/readyz")
def readyz() -> Response:
    """Whether the database answers and has the tables of this version; 503 if not."""
    with services().database.reading() as connection:
        if not is_at_head(connection):
            raise NotReadyError("the database is not of this version", hint="Run `causeway db upgrade`.")
    return success({})


@views.get("/metrics")
def metrics() -> Response:
    """Counters in Prometheus' text format, for local addresses."""
    if not services().settings.metrics_public and not this_client().local:
        raise NotLocalError("metrics are for local addresses", hint="--metrics-public shows them to all.")
    text = services().metrics.text(_measure())
    return Response(text, content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _measure() -> Mapping[Sample, float]:
    """The numbers that are looked up when they are asked for."""
    shared = services()
    held = shared.holdings.counted()
    measured: dict[Family, float] = {DOCUMENTS: held.documents, BYTES: held.stored, REPLICA_BYTES: held.replicas}
    if shared.figures is not None:
        measured |= _measure_payments(shared.figures.counted(), shared.node.tip())
    peers = replication.peers_of(shared.database, shared.settings)
    return {(family.name,): value for family, value in measured.items()} | dict(replication.samples(peers))


def _measure_payments(found: Figures, tip: BlockRef | None) -> Mapping[Family, float]:
    measured: dict[Family, float] = {
        ORDERS_OPEN: found.open,
        ORDERS_LATE: found.late,
        ORDERS_PAID: found.paid,
        CREDITED: found.credited_sat,
    }
    if found.watched is not None and found.watched_height is not None:
        measured |= {WATCHER_HEIGHT: found.watched_height, WATCHER_SUCCESS: found.watched.timestamp()}
        if tip is not None:
            measured[WATCHER_LAG] = max(0, tip.height - found.watched_height)
    return measured
