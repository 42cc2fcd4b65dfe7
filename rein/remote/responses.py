"""What servers answer, read strictly: every value has the right type and is in bounds, or an error is raised."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from rein.btc.address import script_of_address
from rein.btc.amounts import MAX_MONEY, Sat
from rein.btc.networks import Network
from rein.errors import InputError, RemoteError, ServerLiedError
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.protocol.values import DocumentId
from rein.protocol.wire import FEED_NAME, MAX_BATCH
from rein.remote.transport import one_line

FEED_ROWS = 1_000
"""Documents asked for in one page of a feed."""

_MOST = 2**53
"""More than any server has, and what SQLite and JSON can still hold."""
_LAST_SEQ = 2**63 - 1
_LAST_TIME = 253_402_300_799
"""The end of the year 9999, after which nobody writes dates."""
_ID = re.compile(r"[0-9a-f]{64}")
_MAX_BUCKETS = 10_000
_MAX_NAMES = 8


@dataclass(frozen=True)
class Hosting:
    """What an identity has at a server: bytes of storage and of transfer left in all its buckets, when the first of
    them expires (seconds since 1970; 0: not said), and the highest number of a bucket: the next has a higher one."""

    buckets: int
    bytes_free: int
    transfer_free: int = 0
    expires: int = 0
    newest: int = 0


@dataclass(frozen=True)
class Purchase:
    """An order of hosting: `price` is to be paid to `address`; None where it was granted for nothing. The order holds
    its price for who has paid all of it in blocks up to `until` (seconds since 1970; 0: not said)."""

    hosting: Hosting
    price: Sat
    address: str | None
    until: int = 0


@dataclass(frozen=True)
class ServerStatus:
    """What a server says of itself; `documents` is how many it holds of everybody."""

    network: str
    version: str
    price: Sat
    documents: int
    names: tuple[str, ...] = ()
    """What requests to it may be signed for."""


@dataclass(frozen=True)
class FeedEntry:
    """A document as a feed shows it. `id` is what the server calls it: not checked yet."""

    seq: int
    id: DocumentId
    armored: str


@dataclass(frozen=True)
class FeedPage:
    """A page of a feed, in the order of its numbers; `removed` as (number, id). Nothing will ever be added up to
    `settled`. `server` is what the feed calls itself: the same under every address of one server."""

    entries: tuple[FeedEntry, ...]
    removed: tuple[tuple[int, DocumentId], ...]
    next: int
    settled: int
    etag: str | None
    server: str | None = None


@dataclass(frozen=True)
class Found:
    """Documents by id, unverified; the ids a server says it does not have; the others it had no room for."""

    texts: Mapping[DocumentId, str]
    missing: frozenset[DocumentId]


def hosting(answer: Mapping[str, Any], url: str) -> Hosting:
    """From `/v1/buckets`."""
    buckets = [each if isinstance(each, dict) else {} for each in _list(answer, "buckets", url)[:_MAX_BUCKETS]]
    return _hosting(buckets, [_number(each.get("expires")) for each in buckets])


def legacy_hosting(answer: Mapping[str, Any], url: str) -> Hosting:
    """From `/request` and `/buy`, where numbers are text and times `YYYY-MM-DD HH:MM:SS` in UTC."""
    buckets = [each if isinstance(each, dict) else {} for each in _list(answer, "buckets", url)[:_MAX_BUCKETS]]
    return _hosting(buckets, [_legacy_time(each.get("expires")) for each in buckets])


def purchase(answer: Mapping[str, Any], url: str, network: Network) -> Purchase:
    """From `/buy`.

    :raises ServerLiedError: an address of another network, or a price that is not an amount.
    """
    price, address = _number(answer.get("price")), answer.get("address")
    if address is not None and not (isinstance(address, str) and _is_address(address, network)):
        raise ServerLiedError(f"{url} names no address of {network.name} to pay to; do not pay")
    if price > MAX_MONEY or (address is not None and price == 0):
        raise ServerLiedError(f"{url} asks for an invalid price")
    until = _number(answer.get("price_until"))
    return Purchase(legacy_hosting(answer, url), Sat(price), address, until if until <= _LAST_TIME else 0)


def balance(answer: Mapping[str, Any], url: str) -> int:
    """From `/v1/balance` and `/v1/buy`: satoshis; negative where a payment was taken back that was spent here.

    :raises ServerLiedError: no amount.
    """
    given = answer.get("balance_sat")
    if type(given) is not int or not -MAX_MONEY <= given <= MAX_MONEY:
        raise ServerLiedError(f"{url} gave a balance that is not an amount")
    return given


def status(answer: Mapping[str, Any], url: str) -> ServerStatus:
    """From `/v1/status`.

    :raises RemoteError: it is no causeway.
    """
    if answer.get("software") != "causeway" or not isinstance(answer.get("network"), str):
        raise RemoteError(f"{url} does not speak the causeway API that Rein needs (/v1)")
    price = min(_number(answer.get("price_sat")), MAX_MONEY)
    said = str(answer.get("version"))
    return ServerStatus(
        network=one_line(answer["network"])[:20],
        version=one_line(said)[:20],
        price=Sat(price),
        documents=_number(answer.get("documents")),
        names=_names(answer.get("servers")),
    )


def _names(given: Any) -> tuple[str, ...]:
    names = given[:_MAX_NAMES] if isinstance(given, list) else []
    return tuple(one_line(each)[:100] for each in names if isinstance(each, str))


def feed_page(answer: Mapping[str, Any], url: str, after: int, etag: str | None) -> FeedPage:
    """From `/v1/feed`.

    :raises ServerLiedError: numbers that do not grow, or point beyond the page.
    """
    following, settled = _seq(answer.get("next"), url), _seq(answer.get("settled"), url)
    entries = tuple(_entry(each, url) for each in _list(answer, "documents", url)[: FEED_ROWS + 1])
    if len(entries) > FEED_ROWS:
        raise ServerLiedError(f"{url} sends more documents on a page than were asked for")
    numbers = [after, *(each.seq for each in entries)]
    if any(left >= right for left, right in pairwise(numbers)) or numbers[-1] > following:
        raise ServerLiedError(f"{url} has a feed whose numbers do not grow")
    if following > max(settled, after):
        raise ServerLiedError(f"{url} has a feed that runs ahead of itself")
    gone = [each if isinstance(each, dict) else {} for each in _list(answer, "removed", url)[:FEED_ROWS]]
    removed = tuple((_seq(each.get("seq"), url), _id(each.get("id"), url)) for each in gone)
    name = answer.get("server")
    server = name if isinstance(name, str) and FEED_NAME.fullmatch(name) else None
    return FeedPage(entries, removed, following, settled, etag, server)


def found(answer: Mapping[str, Any], url: str, asked: Sequence[DocumentId]) -> Found:
    """From `/v1/documents`; what was not asked for is not looked at."""
    wanted = set(asked)
    entries = [_entry(each, url) for each in _list(answer, "documents", url)[:MAX_BATCH]]
    missing = {DocumentId(each) for each in _list(answer, "missing", url) if isinstance(each, str)} & wanted
    return Found({each.id: each.armored for each in entries if each.id in wanted}, frozenset(missing))


def items(answer: Mapping[str, Any], name: str, asked: Sequence[object], url: str) -> list[dict[str, Any]]:
    """A list with one object for each thing that was asked."""
    given = _list(answer, name, url)
    if len(given) != len(asked) or not all(isinstance(each, dict) for each in given):
        raise ServerLiedError(f"{url} does not say what became of each thing it was asked for")
    return given


def _list(answer: Mapping[str, Any], name: str, url: str) -> list[Any]:
    given = answer.get(name)
    if not isinstance(given, list):
        raise RemoteError(f"{url} answered without the list {name!r}")
    return given


def _entry(each: Any, url: str) -> FeedEntry:
    item = each if isinstance(each, dict) else {}
    armored = item.get("armored")
    if not isinstance(armored, str):
        raise ServerLiedError(f"{url} lists a document without its text")
    if len(armored) > MAX_DOCUMENT_BYTES:
        raise ServerLiedError(f"{url} lists a document of {len(armored):,} characters; no document is that large")
    return FeedEntry(_seq(item.get("seq"), url), _id(item.get("id"), url), armored)


def _id(value: Any, url: str) -> DocumentId:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ServerLiedError(f"{url} gives a document an invalid id")
    return DocumentId(value)


def _seq(value: Any, url: str) -> int:
    if type(value) is not int or not 0 <= value <= _LAST_SEQ:
        raise ServerLiedError(f"{url} numbers its documents with something that is not a number")
    return value


def _hosting(buckets: Sequence[Mapping[str, Any]], expires: Sequence[int]) -> Hosting:
    return Hosting(
        len(buckets),
        min(sum(_number(each.get("bytes_free")) for each in buckets), _MOST),
        min(sum(_number(each.get("transfer_free")) for each in buckets), _MOST),
        min((each for each in expires if each), default=0),
        max((_number(each.get("id")) for each in buckets), default=0),
    )


def _number(value: Any) -> int:
    """A whole number, as JSON or as text; 0 for anything else."""
    text = str(value) if type(value) in (str, int) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _legacy_time(value: Any) -> int:
    try:
        return max(0, int(datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()))
    except (ValueError, OverflowError):
        return 0


def _is_address(text: str, network: Network) -> bool:
    try:
        script_of_address(text, network)
    except InputError:
        return False
    return True
