"""GET /v1/buckets."""

from __future__ import annotations

from flask import Response

from causeway.api.operations import operation, read_query, respond
from causeway.hosting.schemas import Bucket, BucketsAnswer
from causeway.hosting.service import BucketState, live_buckets
from causeway.services import services
from causeway.v1.gate import versioned
from causeway.v1.schemas import OwnerRequest

views = versioned("hosting")


@views.get("/buckets")
@operation(takes=OwnerRequest, answers=BucketsAnswer)
def buckets() -> Response:
    """What an owner has here and what is left of it. Asking changes nothing."""
    owner = read_query(OwnerRequest).owner
    with services().database.reading() as connection:
        states = live_buckets(connection, owner)
    return respond(BucketsAnswer(buckets=[_bucket(state) for state in states]))


def _bucket(state: BucketState) -> Bucket:
    return Bucket(
        id=state.id,
        created=int(state.created.timestamp()),
        expires=int(state.expires.timestamp()),
        bytes_free=state.bytes_free,
        transfer_free=state.transfer_free,
    )
