"""What requests and answers of the versioned API are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

from causeway.api.limits import MAX_BODY_BYTES
from causeway.api.shapes import About, Address, Choice, Flag, Items, Text, Whole
from rein.btc.amounts import MAX_MONEY
from rein.protocol.documents import Kind
from rein.protocol.wire import KEY_PATTERN, MAX_BATCH, MAX_QUERY_ROWS

MAX_SEQ: Final = 2**63 - 1
FEED_ROWS: Final = 500
SEARCH_ROWS: Final = 100
MAX_SEARCH_TEXT: Final = 200
MAX_TAGS_TEXT: Final = 1_000

_DOCUMENT_ID: Final = re.compile(r"[0-9a-f]{64}")
_NETWORK: Final = re.compile(r"[a-z0-9]{1,16}")
_PERSON: Final = re.compile(r"[1mn][1-9A-HJ-NP-Za-km-z]{25,34}|0[23][0-9a-f]{64}|04[0-9a-f]{128}")

Key = Annotated[str, Text(128, 1, KEY_PATTERN, "1 to 128 characters of A-Z a-z 0-9 . _ : / -")]
Value = Annotated[str, Text(MAX_BODY_BYTES, 1)]
DocumentId = Annotated[str, Text(64, 64, _DOCUMENT_ID, "64 lower-case hex digits")]
Person = Annotated[str | None, Text(130, 26, _PERSON, "a P2PKH address or a public key in hex")]


# ----- requests ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class OwnerRequest:
    owner: Annotated[str, Address(), About("The owner's master address.")]


@dataclass(frozen=True, kw_only=True)
class OneKey:
    key: Key


@dataclass(frozen=True, kw_only=True)
class OneId:
    id: DocumentId


@dataclass(frozen=True, kw_only=True)
class NewValue:
    key: Key
    value: Value


@dataclass(frozen=True, kw_only=True)
class PutRequest:
    values: Annotated[list[object], Items(NewValue, MAX_BATCH)]


@dataclass(frozen=True, kw_only=True)
class KeysRequest:
    keys: Annotated[list[object], Items(Key, MAX_BATCH)]


@dataclass(frozen=True, kw_only=True)
class DocumentsRequest:
    ids: Annotated[list[object], Items(DocumentId, MAX_BATCH)]


@dataclass(frozen=True, kw_only=True)
class FeedRequest:
    after: Annotated[int, Whole(0, MAX_SEQ), About("Only what has a greater number.")] = 0
    limit: Annotated[int, Whole(1, MAX_QUERY_ROWS)] = FEED_ROWS
    kind: Annotated[Kind | None, Choice(Kind)] = None
    network: Annotated[str | None, Text(16, 1, _NETWORK, "the name of a network")] = None


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    text: Annotated[str | None, Text(MAX_SEARCH_TEXT, 1), About('Words, "a phrase", or, -not.')] = None
    tags: Annotated[str | None, Text(MAX_TAGS_TEXT, 1), About("All of these, separated by commas.")] = None
    creator: Person = None
    mediator: Person = None
    min_price: Annotated[int | None, Whole(0, MAX_MONEY), About("Satoshis that a bid on the job asks for.")] = None
    max_price: Annotated[int | None, Whole(0, MAX_MONEY), About("Satoshis that a bid on the job asks for.")] = None
    open: Annotated[bool, Flag(), About("Leave out jobs that expired or were given away.")] = False
    after: Annotated[int | None, Whole(0, MAX_SEQ), About("The `next` of the page before.")] = None
    limit: Annotated[int, Whole(1, SEARCH_ROWS)] = 50


@dataclass(frozen=True, kw_only=True)
class BalanceRequest:
    """Nothing: the headers say who asks."""


@dataclass(frozen=True, kw_only=True)
class BuyRequest:
    price_sat: Annotated[int, Whole(1, MAX_MONEY), About("What the owner agrees to pay.")]


# ----- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ErrorDetail:
    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class NonceAnswer:
    nonce: str


@dataclass(frozen=True, kw_only=True)
class HeldBucket:
    """What is left of a bucket, in bytes; times in seconds since 1970."""

    id: int
    created: int
    expires: int
    bytes_free: int
    transfer_free: int


@dataclass(frozen=True, kw_only=True)
class BucketsAnswer:
    buckets: list[HeldBucket]


@dataclass(frozen=True, kw_only=True)
class PutVerdict:
    key: str | None
    stored: bool | None = None
    error: ErrorDetail | None = None


@dataclass(frozen=True, kw_only=True)
class PutAnswer:
    verdicts: list[PutVerdict]


@dataclass(frozen=True, kw_only=True)
class DeleteVerdict:
    key: str | None
    deleted: bool | None = None
    error: ErrorDetail | None = None


@dataclass(frozen=True, kw_only=True)
class DeleteAnswer:
    verdicts: list[DeleteVerdict]


@dataclass(frozen=True, kw_only=True)
class OwnedBucket:
    id: int
    expires: Annotated[str, About("In UTC, by RFC 3339.")]
    bytes_free: int
    transfer_free: int


@dataclass(frozen=True, kw_only=True)
class BalanceAnswer:
    balance_sat: Annotated[int, About("Negative where a payment left the chain that was spent here already.")]


@dataclass(frozen=True, kw_only=True)
class BuyAnswer:
    price_sat: int
    balance_sat: Annotated[int, About("What is left of the balance.")]
    buckets: list[OwnedBucket]


@dataclass(frozen=True, kw_only=True)
class FoundValue:
    key: str | None
    value: str | None = None
    error: ErrorDetail | None = None


@dataclass(frozen=True, kw_only=True)
class ValuesAnswer:
    values: list[FoundValue]


@dataclass(frozen=True, kw_only=True)
class FoundDocument:
    seq: int
    id: str
    kind: Kind
    armored: str


@dataclass(frozen=True, kw_only=True)
class DocumentsAnswer:
    documents: list[FoundDocument]
    left: Annotated[list[str], About("Ids that did not fit in this answer: ask again for them.")]
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class RemovedDocument:
    seq: int
    id: str


@dataclass(frozen=True, kw_only=True)
class FeedAnswer:
    server: Annotated[str, About("The name of this feed: its numbers are those of no other.")]
    documents: list[FoundDocument]
    removed: list[RemovedDocument]
    next: int
    settled: int


@dataclass(frozen=True, kw_only=True)
class SearchAnswer:
    jobs: list[FoundDocument]
    next: int | None


@dataclass(frozen=True, kw_only=True)
class Limits:
    batch: int
    body_bytes: int
    document_bytes: int
    value_bytes: int
    feed_rows: int
    search_rows: int
    nonce_seconds: int


@dataclass(frozen=True, kw_only=True)
class StatusAnswer:
    software: str
    version: str
    network: str
    servers: Annotated[list[str], About("What requests may be signed for.")]
    price_sat: int
    documents: int
    settled: int
    limits: Limits
