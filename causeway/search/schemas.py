"""Requests and answers about documents: by id, as a feed, and jobs by search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

from causeway.api.shapes import Choice, Doc, Flag, Integer, Items, Text
from rein.btc.amounts import MAX_MONEY
from rein.protocol.documents import Kind
from rein.protocol.wire import MAX_BATCH, MAX_QUERY_ROWS

MAX_SEQ: Final = 2**63 - 1
FEED_ROWS: Final = 500
SEARCH_ROWS: Final = 100
MAX_SEARCH_TEXT: Final = 200
MAX_TAGS_TEXT: Final = 1_000

_DOCUMENT_ID: Final = re.compile(r"[0-9a-f]{64}")
_NETWORK: Final = re.compile(r"[a-z0-9]{1,16}")
_PERSON: Final = re.compile(r"[1mn][1-9A-HJ-NP-Za-km-z]{25,34}|0[23][0-9a-f]{64}|04[0-9a-f]{128}")

DocumentId = Annotated[str, Text(64, 64, _DOCUMENT_ID, "64 lower-case hex digits")]
PartyId = Annotated[str | None, Text(130, 26, _PERSON, "a P2PKH address or a public key in hex")]


@dataclass(frozen=True, kw_only=True)
class OneId:
    id: DocumentId


@dataclass(frozen=True, kw_only=True)
class DocumentsRequest:
    ids: Annotated[list[object], Items(DocumentId, MAX_BATCH)]


@dataclass(frozen=True, kw_only=True)
class FeedRequest:
    after: Annotated[int, Integer(0, MAX_SEQ), Doc("Only what has a greater number.")] = 0
    limit: Annotated[int, Integer(1, MAX_QUERY_ROWS)] = FEED_ROWS
    kind: Annotated[Kind | None, Choice(Kind)] = None
    network: Annotated[str | None, Text(16, 1, _NETWORK, "the name of a network")] = None


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    text: Annotated[str | None, Text(MAX_SEARCH_TEXT, 1), Doc('Words, "a phrase", or, -not.')] = None
    tags: Annotated[str | None, Text(MAX_TAGS_TEXT, 1), Doc("All of these, separated by commas.")] = None
    creator: PartyId = None
    mediator: PartyId = None
    min_price: Annotated[int | None, Integer(0, MAX_MONEY), Doc("Satoshis that a bid on the job asks for.")] = None
    max_price: Annotated[int | None, Integer(0, MAX_MONEY), Doc("Satoshis that a bid on the job asks for.")] = None
    open: Annotated[bool, Flag(), Doc("Leave out jobs that expired or were given away.")] = False
    after: Annotated[int | None, Integer(0, MAX_SEQ), Doc("The `next` of the page before.")] = None
    limit: Annotated[int, Integer(1, SEARCH_ROWS)] = 50


@dataclass(frozen=True)
class FoundDocument:
    seq: int
    id: str
    kind: Kind
    armored: str


@dataclass(frozen=True, kw_only=True)
class DocumentsAnswer:
    documents: list[FoundDocument]
    left: Annotated[list[str], Doc("Ids that did not fit in this answer: ask again for them.")]
    missing: list[str]


@dataclass(frozen=True)
class RemovedDocument:
    seq: int
    id: str


@dataclass(frozen=True, kw_only=True)
class FeedAnswer:
    """`next` is the `after` of the answer behind this one. Nothing will ever be added up to `settled`, so a reader
    who got that far has missed nothing."""

    server: Annotated[str, Doc("The name of this feed: its numbers are those of no other.")]
    documents: list[FoundDocument]
    removed: list[RemovedDocument]
    next: int
    settled: int


@dataclass(frozen=True, kw_only=True)
class SearchAnswer:
    jobs: list[FoundDocument]
    next: int | None
