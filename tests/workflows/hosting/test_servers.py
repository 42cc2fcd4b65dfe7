"""Servers that say odd things of hosting, and warnings before it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rein.errors import RefusedError
from rein.store.tables.servers import ServerRow
from rein.workflows.hosting import request
from rein.workflows.hosting.servers import query_servers
from rein.workflows.hosting.warnings import warnings_of
from tests.support.evil_server import EvilServer
from tests.workflows.conftest import Sit

DAY = 86_400


def test_servers_are_asked_at_once_and_what_is_known_is_shown(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    good, odd = evils(), evils()
    odd.bend = lambda path, _asked, answer: {"buckets": 5} if path == "v1/buckets" else answer
    session = sit(good, odd)
    first, second = query_servers(session).states
    assert (first.error, first.row.buckets) == (None, 1)
    assert first.status is not None
    assert first.round_trip is not None
    assert second.status is None
    assert "without the list 'buckets'" in str(second.error)
    assert second.row == ServerRow(odd.url, 1, 1_000_000)


def test_warnings_come_in_time() -> None:
    fine = ServerRow("u", 1, 1_000_000, 50_000_000, expires=100 * DAY, asked=1)
    assert warnings_of(fine, now=0) == []
    assert warnings_of(fine, now=69 * DAY) == []
    assert "ends in 29 days" in warnings_of(fine, now=70 * DAY + 1)[0]
    assert "ends in 0 days" in warnings_of(fine, now=200 * DAY)[0]
    assert len(warnings_of(ServerRow("u", 1, 99_999, 4_999_999, expires=1, asked=1), now=0)) == 3
    assert warnings_of(ServerRow("u", 1, 0), now=0) == [], "it was never asked"


class Counter:
    """A server that counts the buckets it gives."""

    def __init__(self, evil: EvilServer, *, price: int = 0, bytes_free: int = 1_000_000) -> None:
        self.url, self.granted, self.price, self.bytes_free = evil.url, 0, price, bytes_free
        evil.bend = self._answer

    def _answer(self, path: str, _asked: dict[str, str], answer: Any) -> Any:
        if path == "v1/status":
            return {**answer, "price_sat": self.price}
        if path == "request" and self.price:
            return {"result": "error", "error": {"code": "free_buckets_granted", "message": "Maximum free buckets"}}
        if path == "request":
            self.granted += 1
        if path in ("request", "v1/buckets"):
            bucket = {"bytes_free": str(self.bytes_free), "transfer_free": 50_000_000}
            return answer | {"buckets": [{"id": each + 1, **bucket} for each in range(self.granted)]}
        return answer


def test_a_request_that_is_repeated_says_what_is_there(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    counter = Counter(evils())
    session = sit()
    first, second = (request.commit(session, request.prepare(session, counter.url)) for _ in range(2))
    assert (first.granted, first.hosting.buckets) == (True, 1)
    assert (second.granted, second.hosting.buckets, counter.granted) == (False, 1, 1)
    assert request.commit(session, request.prepare(session, counter.url), more=True).json() == {
        "url": counter.url,
        "buckets": 2,
        "bytes_free": 2_000_000,
        "granted": True,
    }


def test_who_has_little_left_gets_another_bucket(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    counter = Counter(evils(), bytes_free=10)
    session = sit()
    for number in (1, 2):
        assert request.commit(session, request.prepare(session, counter.url)).hosting.buckets == number


def test_a_server_that_sells_says_so(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    counter = Counter(evils(), price=5_000)
    session = sit()
    with pytest.raises(RefusedError, match=r"sells hosting, for 5,000 sat a bucket") as caught:
        request.commit(session, request.prepare(session, counter.url))
    assert caught.value.reason == request.SOLD
