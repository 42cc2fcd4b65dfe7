"""GET /query."""

from __future__ import annotations

from flask import Blueprint, Response, request

from causeway.api.parameters import Parameters, query_parameters
from causeway.api.responses import success
from causeway.db.engine import Database
from causeway.errors import BadParameterError
from causeway.search.pages import Answer, Page
from causeway.search.service import answer
from rein.btc.networks import MAINNET, Network
from rein.protocol.wire import MAX_QUERY_ROWS, Query

_MAX_SEQ = 2**63 - 1


def blueprint(database: Database, network: Network) -> Blueprint:
    views = Blueprint("search", __name__)

    @views.get("/query")
    def query() -> Response:
        """Documents: owner, query (mediators, jobs, bids, deliveries, ...), after, limit, and the query's own."""
        parameters = query_parameters(request)
        kind = _kind(parameters.text("query"))
        found = answer(database, parameters.address("owner", "address"), kind, parameters, _page(parameters))
        if not _is_asked_for(network, parameters.flag("testnet")):
            found = Answer([], None)
        return success({kind.value: list(found.documents), "block_info": None, "next": found.next})

    return views


def _kind(text: str) -> Query:
    try:
        return Query(text)
    except ValueError:
        known = ", ".join(each.value for each in Query)
        raise BadParameterError(f"{text[:40]!r} is no kind of query", hint=f"One of: {known}.") from None


def _page(parameters: Parameters) -> Page:
    after = parameters.number("after", default=-1, lowest=0, highest=_MAX_SEQ)
    limit = parameters.number("limit", default=MAX_QUERY_ROWS, lowest=1, highest=MAX_QUERY_ROWS)
    return Page(after=after if after >= 0 else None, limit=limit)


def _is_asked_for(network: Network, testnet: bool | None) -> bool:
    """Whether this server has documents of the network that is asked for. Left out: whatever it has."""
    return testnet is None or testnet != (network is MAINNET)
