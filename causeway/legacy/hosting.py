"""GET /request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response
from sqlalchemy import Connection

from causeway.api.operations import operation, read_query
from causeway.api.responses import failure, success
from causeway.api.shapes import Address, Doc, Synonyms, Text, as_json
from causeway.api.subnets import this_subnet
from causeway.hosting.service import BucketState, GrantOutcome, request_bucket
from causeway.services import services
from rein.protocol.limits import MAX_CONTACT

views = Blueprint("legacy_hosting", __name__)


@dataclass(frozen=True, kw_only=True)
class LegacyHostingRequest:
    owner: Annotated[str, Address(), Synonyms(("address",)), Doc("Who the bucket is for.")]
    delegate: Annotated[str | None, Address(may_be_empty=True)] = None
    contact: Annotated[str | None, Text(MAX_CONTACT), Doc("Who is told, by e-mail, before it expires.")] = None


@dataclass(frozen=True)
class LegacyBucket:
    """Times are in UTC, and sizes are text."""

    id: int
    created: str
    expires: str
    bytes_free: str
    transfer_free: str


@dataclass(frozen=True, kw_only=True)
class LegacyHosting:
    status: str
    result: str
    buckets: list[LegacyBucket]


@views.get("/request")
@operation(takes=LegacyHostingRequest, answers=LegacyHosting)
def request_hosting() -> Response:
    """A free bucket of 1 MB and 50 MB of transfer for a year: owner, delegate, contact."""
    return grant_free(read_query(LegacyHostingRequest))


def grant_free(asked: LegacyHostingRequest, **more: object) -> Response:
    """Answer a request for a free bucket."""
    terms, subnet, contact = services().free, this_subnet(), asked.contact or None

    def grant(connection: Connection) -> tuple[GrantOutcome, list[BucketState]]:
        return request_bucket(
            connection, asked.owner, delegate=asked.delegate, contact=contact, terms=terms, subnet=subnet
        )

    outcome, states = services().database.write(grant)
    shown = {"buckets": as_json(shown_buckets(states)), **more}
    if outcome is GrantOutcome.GRANTED:
        return success(shown)
    # With 200, as in 2016: its clients read the buckets of this answer, and of no other that is an error.
    if outcome is GrantOutcome.SUBNET_LIMIT:
        hint = "So many were given to addresses near yours today. Try again tomorrow."
        return failure("free_buckets_of_the_day_granted", "Maximum free buckets granted", 200, hint=hint, more=shown)
    payments = services().payments
    hint = f"An owner may have {terms.per_owner} free buckets at a time."
    if payments is not None:
        hint += f" `rein buy` (GET /buy) buys one for {payments.price} sat."
    return failure("free_buckets_granted", "Maximum free buckets granted", 200, hint=hint, more=shown)


def shown_buckets(states: Sequence[BucketState]) -> list[LegacyBucket]:
    """An owner's buckets as answers have them."""
    return [
        LegacyBucket(
            state.id, _time(state.created), _time(state.expires), str(state.bytes_free), str(state.transfer_free)
        )
        for state in states
    ]


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
