"""POST /v1/documents, GET /v1/feed and /v1/search."""

from __future__ import annotations

import hashlib

from flask import Response, request

from causeway.api import shapes
from causeway.api.operations import operation, read_body, read_query, respond
from causeway.api.parameters import Parameters
from causeway.errors import BadParameterError
from causeway.search.documents import read_by_id
from causeway.search.feed import read_feed
from causeway.search.jobs import JobFilter, find_jobs
from causeway.search.pages import Page
from causeway.search.queries import Party
from causeway.search.schemas import (
    DocumentsAnswer,
    DocumentsRequest,
    FeedAnswer,
    FeedRequest,
    OneId,
    SearchAnswer,
    SearchRequest,
)
from causeway.services import services
from causeway.v1.gate import versioned
from rein.protocol.limits import MAX_TAG, MAX_TAGS
from rein.protocol.values import fold_tag

views = versioned("search")


@views.post("/documents")
@operation(takes=DocumentsRequest, answers=DocumentsAnswer)
def documents() -> Response:
    """Documents by their ids."""
    ids = read_body(DocumentsRequest).ids
    wanted = [shapes.read(OneId, Parameters({"id": each})).id for each in ids]
    with services().database.reading() as connection:
        return respond(read_by_id(connection, wanted))


@views.get("/feed")
@operation(takes=FeedRequest, answers=FeedAnswer, conditional=True)
def feed() -> Response:
    """What came and went behind a number, in the order of this server. 304 if the answer is one you have."""
    asked = read_query(FeedRequest)
    with services().database.reading() as connection:
        found = read_feed(
            connection, services().server_id, asked.after, asked.limit, kind=asked.kind, network=asked.network
        )
    return _unless_known(respond(found))


@views.get("/search")
@operation(takes=SearchRequest, answers=SearchAnswer)
def search_jobs() -> Response:
    """Jobs, newest first, by their words and tags, who is in them, what bids ask for, and whether they are open."""
    asked = read_query(SearchRequest)
    wanted = JobFilter(
        text=asked.text,
        tags=_tags(asked.tags),
        creator=Party(asked.creator) if asked.creator else None,
        mediator=Party(asked.mediator) if asked.mediator else None,
        min_price=asked.min_price,
        max_price=asked.max_price,
        open_only=asked.open,
    )
    with services().database.reading() as connection:
        return respond(find_jobs(connection, wanted, Page(asked.after, asked.limit, newest_first=True)))


def _unless_known(response: Response) -> Response:
    """With an ETag of the answer itself; 304 without a body for a client that has it."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]  # the same response


def _tags(text: str | None) -> list[str]:
    tags = [fold_tag(tag.strip()) for tag in text.split(",")] if text is not None else []
    if len(tags) > MAX_TAGS or any(not 0 < len(tag) <= MAX_TAG for tag in tags):
        raise BadParameterError(f"'tags' is not 1 to {MAX_TAGS} tags of up to {MAX_TAG} characters")
    return tags
