"""GET /request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, request
from sqlalchemy import Connection

from causeway.api.operations import operation, read_query
from causeway.api.responses import failure, success
from causeway.api.shapes import About, Address, Also, Text, as_json
from causeway.db.engine import Database
from causeway.hosting.service import BucketState, FreeTerms, GrantOutcome, request_bucket
from rein.protocol.limits import MAX_CONTACT


@dataclass(frozen=True, kw_only=True)
class HostingRequest:
    """What `/request` takes."""

    owner: Annotated[str, Address(), Also(("address",)), About("Who the bucket is for.")]
    delegate: Annotated[str | None, Address(may_be_empty=True)] = None
    contact: Annotated[str | None, Text(MAX_CONTACT), About("Who is told, by e-mail, before it expires.")] = None


@dataclass(frozen=True)
class Bucket:
    """A bucket as clients of 2016 read it: times in UTC, numbers as text."""

    id: int
    created: str
    expires: str
    bytes_free: str
    transfer_free: str


@dataclass(frozen=True, kw_only=True)
class HostingAnswer:
    status: str
    result: str
    buckets: list[Bucket]


def blueprint(database: Database, terms: FreeTerms, subnet_of_caller: Callable[[], str | None]) -> Blueprint:
    views = Blueprint("hosting", __name__)

    @views.get("/request")
    @operation(takes=HostingRequest, answers=HostingAnswer)
    def request_hosting() -> Response:
        """A free bucket of 1 MB and 50 MB of transfer for a year: owner, delegate, contact."""
        asked = read_query(HostingRequest, request)
        return grant_free(database, terms, subnet_of_caller(), asked.owner, asked.delegate, asked.contact)

    return views


def grant_free(
    database: Database,
    terms: FreeTerms,
    subnet: str | None,
    owner: str,
    delegate: str | None,
    contact: str | None,
    **more: object,
) -> Response:
    """Answer a request for a free bucket."""

    def grant(connection: Connection) -> tuple[GrantOutcome, list[BucketState]]:
        return request_bucket(connection, owner, delegate=delegate, contact=contact or None, terms=terms, subnet=subnet)

    outcome, states = database.write(grant)
    shown = {"buckets": as_json(shown_buckets(states)), **more}
    if outcome is GrantOutcome.GRANTED:
        return success(shown)
    # With 200, as in 2016: its clients read the buckets of this answer, and of no other that is an error.
    if outcome is GrantOutcome.SUBNET_LIMIT:
        hint = "So many were given to addresses near yours today. Try again tomorrow."
        return failure("free_buckets_of_the_day_granted", "Maximum free buckets granted", 200, hint=hint, more=shown)
    hint = f"An owner may have {terms.per_owner} free buckets at a time. GET /buy sells more, where there is a price."
    return failure("free_buckets_granted", "Maximum free buckets granted", 200, hint=hint, more=shown)


def shown_buckets(states: Sequence[BucketState]) -> list[Bucket]:
    """An owner's buckets as answers have them."""
    return [
        Bucket(state.id, _time(state.created), _time(state.expires), str(state.bytes_free), str(state.transfer_free))
        for state in states
    ]


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
