"""Finding jobs by words, tags, people, prices of bids, and whether they are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    String,
    cast,
    func,
    literal,
    literal_column,
    select,
)

from causeway.search.models import document
from causeway.search.pages import Page, read_found
from causeway.search.queries import Party
from causeway.search.schemas import SearchAnswer
from rein.protocol.documents import Kind, Role
from rein.protocol.limits import MAX_TAG

SCANNED = 1_000
"""Jobs that one page examines, where each has to be: for the bids on it, and whether it is open."""


RARE = 1_000
"""Up to so many jobs with the wanted words, these are examined, newest first, instead of all jobs."""


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """What a job must be; None and empty: no matter. Amounts are in satoshis, of at least one bid on the job."""

    text: str | None = None
    tags: Sequence[str] = ()
    creator: Party | None = None
    mediator: Party | None = None
    min_price: int | None = None
    max_price: int | None = None
    open_only: bool = False


def find_jobs(connection: Connection, wanted: JobFilter, page: Page) -> SearchAnswer:
    """The jobs, newest first, and the `after` of the next page. A page costs the same however few of many jobs are
    wanted: it examines `SCANNED` at most, so it may hold fewer than its limit, even none, and have a next one."""
    jobs = select(document.c.seq, document.c.size).where(document.c.kind == Kind.JOB.value, *_indexed(wanted))
    if wanted.text is not None:
        # PostgreSQL cannot tell how rare a word is and may walk all jobs to find the only one. So: is it rare?
        matches = list(connection.scalars(select(document.c.seq).where(*_matches(wanted.text)).limit(RARE + 1)))
        is_rare = len(matches) <= RARE
        jobs = jobs.where(document.c.seq == func.any(literal(matches, ARRAY(BigInteger)))) if is_rare else jobs
    examined = _examined(wanted)
    end: int | None = None
    if examined:
        far = Page(page.after, SCANNED, newest_first=True)
        end = connection.scalar(far.cut(jobs, document.c.seq).offset(SCANNED - 1).limit(1))
        jobs = jobs.where(*examined, document.c.seq >= (end or 0))
    found, after = read_found(connection, page.cut(jobs, document.c.seq), page)
    return SearchAnswer(jobs=found, next=end if after is None else after)


def _indexed(wanted: JobFilter) -> list[ColumnElement[bool]]:
    """What an index finds."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.text is not None:
        conditions += _matches(wanted.text)
    if wanted.tags:
        tags = cast(literal(list(wanted.tags), ARRAY(String(MAX_TAG))), ARRAY(String(MAX_TAG)))
        conditions.append(document.c.tags.bool_op("@>")(tags))
    if wanted.creator is not None:
        conditions.append(wanted.creator.is_the(Role.CREATOR))
    if wanted.mediator is not None:
        conditions.append(wanted.mediator.is_the(Role.MEDIATOR))
    return conditions


def _matches(text: str) -> list[ColumnElement[bool]]:
    """Never an error, whatever the text is: words, "a phrase", or, -not."""
    asked = func.websearch_to_tsquery(literal_column("'simple'::regconfig"), text)
    return [document.c.words.is_not(None), document.c.words.bool_op("@@")(asked)]


def _examined(wanted: JobFilter) -> list[ColumnElement[bool]]:
    """What has to be examined of each job."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.min_price is not None or wanted.max_price is not None:
        conditions.append(_has_bid_between(wanted.min_price, wanted.max_price))
    if wanted.open_only:
        conditions += _is_open()
    return conditions


def _has_bid_between(lowest: int | None, highest: int | None) -> ColumnElement[bool]:
    bid: Any = document.alias("bid")
    amount = bid.c.amount_sat
    on_it = select(bid.c.seq).where(bid.c.order_id == document.c.id, amount.is_not(None))
    if lowest is not None:
        on_it = on_it.where(amount >= lowest)
    if highest is not None:
        on_it = on_it.where(amount <= highest)
    return on_it.exists()


def _is_open() -> list[ColumnElement[bool]]:
    """It has not expired, and the key that signed it has signed no offer for it: an offer by another key that claims
    to be the creator's hides nothing. Legacy documents name no expiry, and nobody can bid on them any more."""
    now = cast(func.extract("epoch", func.now()), BigInteger)
    offer: Any = document.alias("offer")
    given_away = select(offer.c.seq).where(
        offer.c.order_id == document.c.id,
        offer.c.kind == literal_column("'offer'"),
        offer.c.signer == document.c.signer,
    )
    return [document.c.expires > now, ~given_away.exists()]
