"""GET /v1/status."""

from __future__ import annotations

from flask import Response

from causeway.about.schemas import Limits, StatusAnswer
from causeway.api.limits import MAX_BATCH_BODY, MAX_BODY_BYTES
from causeway.api.operations import operation, respond
from causeway.auth.nonces import LIFETIME_S
from causeway.search.schemas import SEARCH_ROWS
from causeway.search.sequence import settled
from causeway.services import services
from causeway.v1.gate import versioned
from rein import __version__
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.protocol.wire import MAX_BATCH, MAX_QUERY_ROWS

views = versioned("about")

_LIMITS = Limits(
    batch=MAX_BATCH,
    body_bytes=MAX_BATCH_BODY,
    document_bytes=MAX_DOCUMENT_BYTES,
    value_bytes=MAX_BODY_BYTES,
    feed_rows=MAX_QUERY_ROWS,
    search_rows=SEARCH_ROWS,
    nonce_seconds=LIFETIME_S,
)


@views.get("/status")
@operation(answers=StatusAnswer)
def status() -> Response:
    """What this server is, holds, costs and allows."""
    shared = services()
    with shared.database.reading() as connection:
        horizon = settled(connection)
    return respond(
        StatusAnswer(
            software="causeway",
            version=__version__,
            network=shared.settings.network.name,
            servers=list(shared.settings.server_names),
            price_sat=shared.settings.price,
            documents=shared.holdings.counted().documents,
            settled=horizon,
            limits=_LIMITS,
        )
    )
