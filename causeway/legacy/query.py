"""GET /query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response, request

from causeway.api.operations import operation
from causeway.api.parameters import query_parameters
from causeway.api.responses import success
from causeway.api.shapes import Address, Choice, Doc, Flag, Integer, Synonyms, Text, read
from causeway.legacy.chain import last_block
from causeway.legacy.queries import answer
from causeway.search.pages import DocumentPage, Page
from causeway.search.schemas import MAX_SEQ
from causeway.services import services
from rein.btc.networks import MAINNET, Network
from rein.protocol.armor import read_armor
from rein.protocol.signed import text_id
from rein.protocol.wire import MAX_QUERY_ROWS, Query

views = Blueprint("legacy_query", __name__)


@dataclass(frozen=True, kw_only=True)
class LegacyQueryRequest:
    """The first three and the page are of every query; the others belong to some."""

    owner: Annotated[str, Address(), Synonyms(("address",))]
    query: Annotated[Query, Choice(Query)]
    testnet: Annotated[bool | None, Flag()] = None
    after: Annotated[int | None, Integer(0, MAX_SEQ), Doc("The `next` of the page before.")] = None
    limit: Annotated[int, Integer(1, MAX_QUERY_ROWS)] = MAX_QUERY_ROWS
    delegate: Annotated[str | None, Text(), Doc("Accepted and not looked at.")] = None
    job_ids: Annotated[str | None, Text(), Doc("by_job_id, dispute, bids: Job IDs, separated by commas.")] = None
    creator: Annotated[str | None, Text(), Doc("bids: on the jobs of this person.")] = None
    job_creator: Annotated[str | None, Text(), Doc("deliveries: an address or public key.")] = None
    worker: Annotated[str | None, Text(), Doc("in-process: an address or public key.")] = None
    mediator: Annotated[str | None, Text(), Doc("review: an address; of jobs of 2016 a public key too.")] = None
    search_input: Annotated[str | None, Text(), Doc("get_user: a SIN, an address, a name or a contact.")] = None
    masters: Annotated[str | None, Text(), Doc("enrollments: master addresses, separated by commas.")] = None
    dest: Annotated[str | None, Text(), Doc("get_user_ratings: the SIN of who was rated.")] = None
    source: Annotated[str | None, Text(), Doc("get_user_ratings: the SIN of who rated.")] = None
    msin: Annotated[str | None, Text(), Doc("get_user_name: a SIN.")] = None


@dataclass(frozen=True, kw_only=True)
class BlockInfo:
    height: int
    hash: str
    time: int


@dataclass(frozen=True, kw_only=True)
class LegacyQueryAnswer:
    """And a list under the name of the query: armored documents, or objects with key and value."""

    status: str
    result: str
    block_info: BlockInfo | None
    next: int | None


@views.get("/query")
@operation(takes=LegacyQueryRequest, answers=LegacyQueryAnswer)
def query() -> Response:
    """Documents: owner, query (mediators, jobs, bids, deliveries, ...), after, limit, and the query's own."""
    parameters = query_parameters(request)
    asked = read(LegacyQueryRequest, parameters)
    found = answer(services().database, asked.owner, asked.query, parameters, Page(asked.after, asked.limit))
    if not _is_asked_for(services().settings.network, asked.testnet):
        found = DocumentPage([], None)
    return success(
        {asked.query.value: _items(asked.query, found.documents), "block_info": last_block(), "next": found.next}
    )


def _items(query: Query, documents: Sequence[str]) -> list[object]:
    """Ratings are objects with key and value, as legacy clients expect them; the key is the document id."""
    if query is not Query.GET_USER_RATINGS:
        return list(documents)
    return [{"key": text_id(read_armor(each).text), "value": each} for each in documents]


def _is_asked_for(network: Network, testnet: bool | None) -> bool:
    """Whether this server has documents of the network that is asked for. Left out: whatever it has."""
    return testnet is None or testnet != (network is MAINNET)
