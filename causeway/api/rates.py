"""Rate limits, in a table of fixed size that all workers of a server share.

For each rate and each client one number is kept: the time until which the client has used what it may (the generic
cell rate algorithm). "100/minute" allows a hundred requests at once and then one every 0.6 seconds.

The table has sets of eight places; a client's set is chosen by a hash with the server's secret key, and a newcomer
takes the place in it whose time is the earliest. So memory is bounded, and who wants to be forgotten early must come
with some ten thousand addresses. Workers write without waiting for each other: when two count for the same client in
the same microsecond, one of the counts is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from hashlib import blake2b
from math import ceil

from flask import Flask, Request, g, request

from causeway.api.clients import Client
from causeway.errors import RateLimitError
from causeway.ops.shared import RATE_BYTES, SharedMemory
from causeway.services import services
from causeway.settings import MAX_RATES, Rate, Settings

_CELL_WORDS = 1 + MAX_RATES
_WAYS = 8
_SETS = RATE_BYTES // (8 * _CELL_WORDS * _WAYS)

UNLIMITED_ROUTES = frozenset({"/healthz"})
GRANTING_ROUTES = frozenset({"/request", "/buy", "/address"})
READING_POSTS = frozenset({"/v1/get", "/v1/documents"})
"""What is asked for does not fit into a URL."""


class RateClass(StrEnum):
    """What a request costs the server."""

    READ = "read"
    WRITE = "write"
    REQUEST = "request"


class Limiter:
    """Counts what clients use."""

    def __init__(
        self,
        shared: SharedMemory,
        rates: Mapping[RateClass, tuple[Rate, ...]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = shared.key
        self._tags = shared.rates.cast("Q")
        self._times = shared.rates.cast("d")
        self._rates = rates
        self._clock = clock
        self._lock = threading.Lock()

    def wait(self, kind: RateClass, who: str) -> float:
        """Seconds until `who` may do one more; 0 if at once. Uses nothing."""
        with self._lock:
            return self._wait(self._cell(kind, who), kind, self._clock())

    def use(self, kind: RateClass, who: str, cost: int = 1) -> None:
        """Count, even above the rate."""
        now = self._clock()
        with self._lock:
            cell = self._cell(kind, who)
            for place, rate in enumerate(self._rates[kind], cell + 1):
                self._times[place] = max(self._times[place], now) + cost * rate.seconds / rate.count

    def take(self, kind: RateClass, who: str) -> float:
        """Count one and answer 0 if the rate allows it; else answer the seconds to wait and count nothing."""
        wait = self.wait(kind, who)
        if not wait:
            self.use(kind, who)
        return wait

    def _wait(self, cell: int, kind: RateClass, now: float) -> float:
        waits = (
            max(self._times[place], now) + rate.seconds / rate.count - now - rate.seconds
            for place, rate in enumerate(self._rates[kind], cell + 1)
        )
        # A billionth of a second is rounding, not a reason to refuse the last of a hundred.
        return max((wait for wait in waits if wait > 1e-9), default=0.0)

    def _cell(self, kind: RateClass, who: str) -> int:
        digest = blake2b(f"{kind} {who}".encode(), digest_size=16, key=self._key).digest()
        tag = int.from_bytes(digest[8:], "big") | 1
        first = int.from_bytes(digest[:8], "big") % _SETS * _WAYS * _CELL_WORDS
        cells = range(first, first + _WAYS * _CELL_WORDS, _CELL_WORDS)
        for cell in cells:
            if self._tags[cell] == tag:
                return cell
        oldest = min(cells, key=lambda cell: max(self._times[cell + 1 : cell + _CELL_WORDS]))
        for place in range(oldest + 1, oldest + _CELL_WORDS):
            self._times[place] = 0.0
        self._tags[oldest] = tag
        return oldest


def of_settings(settings: Settings) -> Mapping[RateClass, tuple[Rate, ...]]:
    """The rates that an operator has set."""
    return {
        RateClass.READ: settings.rate_read,
        RateClass.WRITE: settings.rate_write,
        RateClass.REQUEST: settings.rate_request,
    }


def install(app: Flask) -> None:
    """Enforce the rate limits, before anything else is done."""
    app.before_request(_limit_address)


def _limit_address() -> None:
    client = this_client()
    if not client.local and request.path not in UNLIMITED_ROUTES:
        _refuse_after(services().limiter.take(class_of(request), client.group), "this address")


def this_client() -> Client:
    """Whom the current request comes from."""
    if "client" not in g:
        g.client = services().clients.of(request.environ)
    client: Client = g.client
    return client


def class_of(asked: Request) -> RateClass:
    """What kind of request it is: by its path and method alone, because nothing else was checked yet."""
    if asked.path in GRANTING_ROUTES:
        return RateClass.REQUEST
    reads = asked.method in ("GET", "HEAD", "OPTIONS") or asked.path in READING_POSTS
    return RateClass.READ if reads else RateClass.WRITE


@contextmanager
def limit_account(owner: str, cost: int = 1) -> Iterator[None]:
    """Limit what is written for an account. It is counted after the block: only what was signed by a signer who may
    write for the owner uses up what the owner may.

    :raises RateLimitError: the account wrote too much already.
    """
    g.owner = owner
    client = this_client()
    if not client.local:
        _refuse_after(services().limiter.wait(RateClass.WRITE, owner), "this account")
    yield
    if not client.local:
        services().limiter.use(RateClass.WRITE, owner, cost)


def charge_address(cost: int) -> None:
    """Count an expensive question as so many writes of the address that asks. Not as its account's: a question is not
    signed, and whoever knows an account's name could use up what its owner may write.

    :raises RateLimitError: the address did too much already.
    """
    client = this_client()
    if not client.local:
        _refuse_after(services().limiter.wait(RateClass.WRITE, client.group), "this address")
        services().limiter.use(RateClass.WRITE, client.group, cost)


def _refuse_after(seconds: float, who: str) -> None:
    if seconds:
        raise RateLimitError(f"too many requests of {who}", retry_after=ceil(seconds))
