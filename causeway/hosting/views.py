"""GET /request."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, request
from sqlalchemy import Connection

from causeway.api.parameters import query_parameters
from causeway.api.responses import failure, success
from causeway.db.engine import Database
from causeway.hosting.service import FREE_BUCKETS, BucketState, request_bucket
from rein.protocol.limits import MAX_CONTACT


def blueprint(database: Database) -> Blueprint:
    views = Blueprint("hosting", __name__)

    @views.get("/request")
    def request_hosting() -> Response:
        """A free bucket of 1 MB and 50 MB of transfer for a year: owner, delegate, contact."""
        parameters = query_parameters(request)
        owner = parameters.address("owner", "address")
        delegate = parameters.optional_address("delegate")
        contact = parameters.optional_text("contact", longest=MAX_CONTACT) or None

        def grant(connection: Connection) -> tuple[bool, list[BucketState]]:
            return request_bucket(connection, owner, delegate=delegate, contact=contact)

        granted, states = database.write(grant)
        buckets = [_shown(state) for state in states]
        if granted:
            return success({"buckets": buckets})
        # With 200, as in 2016: its clients read the buckets of this answer, and of no other that is an error.
        hint = f"An owner may have {FREE_BUCKETS} free buckets at a time."
        return failure(
            "free_buckets_granted", "Maximum free buckets granted", 200, hint=hint, more={"buckets": buckets}
        )

    return views


def _shown(state: BucketState) -> dict[str, object]:
    """A bucket with numbers as text, as clients of 2016 read them."""
    return {
        "id": state.id,
        "created": _time(state.created),
        "expires": _time(state.expires),
        "bytes_free": str(state.bytes_free),
        "transfer_free": str(state.transfer_free),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
