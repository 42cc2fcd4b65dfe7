"""The search that each kind of legacy query stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from causeway.accounts import service as accounts
from causeway.api.parameters import Parameters
from causeway.db.engine import Database
from causeway.errors import (
    AccountRequiredError,
    BadParameterError,
    ConflictingParametersError,
    MissingParameterError,
)
from causeway.search import queries
from causeway.search.pages import Candidates, DocumentPage, Page, read_page
from causeway.search.queries import Party
from rein.btc.address import is_identity_address
from rein.btc.base58 import decode_check
from rein.protocol.documents import Kind, Role
from rein.protocol.wire import MAX_QUERY_ITEMS, Query

_JOB_ID = re.compile(r"[A-Za-z0-9]{1,64}")

MAX_SEARCH_INPUT = 200


def answer(database: Database, owner: str, query: Query, parameters: Parameters, page: Page) -> DocumentPage:
    """Answer a query of a registered owner.

    :raises ApiError: AccountRequiredError; a missing or malformed parameter of this kind of query.
    """
    page = replace(page, newest_first=query is Query.JOBS)
    candidates = _CANDIDATES[query](parameters, page)

    def ask(connection: Connection) -> DocumentPage:
        if not accounts.is_registered(connection, owner):
            raise AccountRequiredError("Account required to make queries", hint="GET /request registers an owner.")
        return read_page(connection, candidates, page)

    return database.read(ask)


def _mediators(_: Parameters, page: Page) -> Candidates:
    return queries.willing_mediators(page)


def _jobs(_: Parameters, page: Page) -> Candidates:
    return queries.of_kind(Kind.JOB, page)


def _bids(parameters: Parameters, page: Page) -> Candidates:
    job_ids, creator = parameters.optional_text("job_ids"), parameters.optional_text("creator")
    if job_ids is not None and creator is not None:
        raise ConflictingParametersError("'job_ids' and 'creator' cannot be asked for together")
    if job_ids is not None:
        return queries.with_job_ids(_items("job_ids", job_ids, _is_job_id), page, kind=Kind.BID)
    if creator is not None:
        return queries.in_jobs_of(Party(creator), Kind.BID, page)
    return queries.of_kind(Kind.BID, page)


def _deliveries(parameters: Parameters, page: Page) -> Candidates:
    return queries.in_jobs_of(Party(parameters.text("job_creator")), Kind.DELIVERY, page)


def _in_process(parameters: Parameters, page: Page) -> Candidates:
    return queries.naming(Party(parameters.text("worker")), Role.WORKER, page)


def _review(parameters: Parameters, page: Page) -> Candidates:
    return queries.naming(Party(parameters.text("mediator")), Role.MEDIATOR, page, kind=Kind.JOB)


def _by_job_id(parameters: Parameters, page: Page) -> Candidates:
    return queries.with_job_ids(_items("job_ids", parameters.text("job_ids"), _is_job_id), page)


def _get_user(parameters: Parameters, page: Page) -> Candidates:
    return queries.of_user(parameters.text("search_input", longest=MAX_SEARCH_INPUT), page)


def _get_user_ratings(parameters: Parameters, page: Page) -> Candidates:
    """Of a person, by a person, or both: rein 0.3 leaves one of them empty."""
    dest, source = (parameters.optional_text(name, longest=MAX_SEARCH_INPUT) or None for name in ("dest", "source"))
    if dest is None and source is None:
        raise MissingParameterError("one of the parameters 'dest' and 'source' is missing")
    for sin in (dest, source):
        if sin is not None:
            _check_sin(sin)
    return queries.ratings(dest, source, page)


def _get_user_name(parameters: Parameters, page: Page) -> Candidates:
    _check_sin(parameters.text("msin", longest=MAX_SEARCH_INPUT))
    return queries.nothing(page)


def _check_sin(text: str) -> None:
    if decode_check(text) is None:
        raise BadParameterError(f"{text[:40]!r} is not a Secure Identity Number")


def _enrollments(parameters: Parameters, page: Page) -> Candidates:
    return queries.of_masters(_items("masters", parameters.text("masters"), is_identity_address), page)


_CANDIDATES: Mapping[Query, Callable[[Parameters, Page], Candidates]] = {
    Query.MEDIATORS: _mediators,
    Query.JOBS: _jobs,
    Query.BIDS: _bids,
    Query.DELIVERIES: _deliveries,
    Query.IN_PROCESS: _in_process,
    Query.REVIEW: _review,
    Query.BY_JOB_ID: _by_job_id,
    Query.DISPUTE: _by_job_id,
    Query.GET_USER: _get_user,
    Query.GET_USER_RATINGS: _get_user_ratings,
    Query.GET_USER_NAME: _get_user_name,
    Query.ENROLLMENTS: _enrollments,
}


def _items(name: str, text: str, is_one: Callable[[str], bool]) -> list[str]:
    """A comma-separated list. An empty text is an empty list: a legacy client with no orders sends that."""
    items = text.split(",") if text else []
    if len(items) > MAX_QUERY_ITEMS:
        raise BadParameterError(f"{name!r} names {len(items):,} items; {MAX_QUERY_ITEMS} are allowed")
    for item in items:
        if not is_one(item):
            raise BadParameterError(f"{item[:40]!r} in {name!r} is not what belongs there")
    return items


def _is_job_id(text: str) -> bool:
    return _JOB_ID.fullmatch(text) is not None
