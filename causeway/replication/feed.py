"""Reading a peer's feed over HTTP. Only its shape is checked here; nothing in it is trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from causeway.errors import PeerError
from causeway.outbound import Peer
from rein.net.http import Http, HttpError, Limits, Reply
from rein.net.strict_json import strict_json
from rein.protocol.wire import FEED_NAME

PAGE_ROWS = 20
"""Documents asked for at a time."""

MAX_PAGE_BYTES = 8_388_608
"""Bytes of one answer: so many documents of 64 KiB fit, even if JSON needs six letters for each of theirs."""

LIMITS = Limits(connect_seconds=10, read_seconds=20, total_seconds=45, answer_bytes=MAX_PAGE_BYTES)

MAX_RETRY_AFTER_S = 3_600

_MAX_SEQ = 2**63 - 1
_DOCUMENT_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class OfferedDocument:
    """A document as a peer offers it: its number there, and the id and text that it is said to have."""

    seq: int
    id: str
    text: str


@dataclass(frozen=True)
class FeedPage:
    """A stretch of a peer's feed that reaches up to number `next`; `settled` is the last number there is. `size` is in
    bytes as they came."""

    server: str
    documents: tuple[OfferedDocument, ...]
    next: int
    settled: int
    size: int


class Feed(Protocol):
    """A peer's feed."""

    def page(self, after: int) -> FeedPage:
        """What comes behind a number.

        :raises PeerError: it could not be read.
        """

    def close(self) -> None: ...


class HttpFeed:
    """A peer's feed over HTTP: no redirects, certificates verified, answers bounded in size and time."""

    def __init__(self, peer: Peer, limits: Limits = LIMITS) -> None:
        self._url = f"{peer.url}/v1/feed"
        self._http = Http(peer.proxy)
        self._limits = limits

    def page(self, after: int) -> FeedPage:
        asked = {"after": after, "limit": PAGE_ROWS}
        try:
            reply = self._http.exchange("GET", self._url, self._limits, params=asked)
        except HttpError as error:
            raise PeerError(f"it {error.reason}") from error
        return read_page(reply, after)

    def close(self) -> None:
        self._http.close()


def read_page(reply: Reply, after: int) -> FeedPage:
    """The page that was asked for.

    :raises PeerError: it is invalid.
    """
    if reply.status != 200:
        wait_s = min(reply.retry_after or 0, MAX_RETRY_AFTER_S)
        raise PeerError(f"it answers HTTP {reply.status} instead of its feed", wait_s=wait_s)
    try:
        answer = strict_json(reply.body)
    except ValueError as error:
        raise PeerError("it answers something that is not JSON") from error
    server = _field(answer, "server", str)
    if FEED_NAME.fullmatch(server) is None:
        raise PeerError("its feed has no name")
    settled, end = _number(answer, "settled"), _number(answer, "next")
    offered = tuple(_offered(each) for each in _field(answer, "documents", list))
    numbers = [after, *(each.seq for each in offered)]
    if len(offered) > PAGE_ROWS or any(one >= other for one, other in pairwise(numbers)):
        raise PeerError("its feed is not in order")
    if not numbers[-1] <= end <= max(after, settled):
        raise PeerError("its feed goes on where there is nothing")
    if end == after < settled:
        raise PeerError("its feed stands still")
    return FeedPage(server, offered, end, settled, len(reply.body))


def _offered(item: object) -> OfferedDocument:
    document_id = _field(item, "id", str)
    if _DOCUMENT_ID.fullmatch(document_id) is None:
        raise PeerError("a document in its feed has no id")
    return OfferedDocument(_number(item, "seq"), document_id, _field(item, "armored", str))


def _field(answer: object, name: str, kind: type[Any]) -> Any:
    value = answer.get(name) if isinstance(answer, dict) else None
    # bool is an int in Python.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise PeerError(f"its feed has no {name!r}, or of another type")
    return value


def _number(answer: object, name: str) -> int:
    value: int = _field(answer, name, int)
    if not 0 <= value <= _MAX_SEQ:
        raise PeerError(f"its feed has an invalid {name!r}")
    return value
