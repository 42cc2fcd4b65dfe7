"""GET /healthz, /readyz and /metrics: for the operator's machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response

from causeway.api.rates import this_client
from causeway.api.responses import success
from causeway.db.engine import Database
from causeway.db.migrate import is_at_head
from causeway.errors import NotLocalError, NotReadyError
from causeway.ops.metrics import CONTENT_TYPE, Metrics, Sample


def blueprint(
    database: Database, metrics: Metrics, measure: Callable[[], Mapping[Sample, float]], *, public: bool
) -> Blueprint:
    """The views.

    :param measure: the numbers that are looked up when they are asked for.
    :param public: whether everybody may read the metrics.
    """
    views = Blueprint("health", __name__)

    @views.get("/healthz")
    def healthz() -> Response:
        """Whether the process answers."""
        return success({})

    @views.get("/readyz")
    def readyz() -> Response:
        """Whether the database answers and has the tables of this version; 503 if not."""
        with database.reading() as connection:
            if not is_at_head(connection):
                raise NotReadyError("the database is not of this version", hint="Run `causeway db upgrade`.")
        return success({})

    @views.get("/metrics")
    def metrics_text() -> Response:
        """Counters in Prometheus' text format, for local addresses."""
        if not public and not this_client().local:
            raise NotLocalError("metrics are for local addresses", hint="--metrics-public shows them to all.")
        return Response(metrics.text(measure()), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    return views
