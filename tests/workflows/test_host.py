"""Waiting for a payment to be credited, and servers that say odd things of hosting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rein.store.store import ServerRow
from rein.workflows.host import buy_hosting, look_at_servers, wait_for_credit, warnings_of
from tests.support.evil_server import EvilServer
from tests.workflows.conftest import Sit

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
DAY = 86_400


def selling(evil: EvilServer, sold: list[dict[str, Any]]) -> None:
    def bend(path: str, _asked: dict[str, str], answer: Any) -> Any:
        if path == "buy":
            return {"result": "success", "price": "50000", "address": ADDRESS, "buckets": sold}
        return {"buckets": sold} if path == "v1/buckets" else answer

    evil.bend = bend


def test_the_payment_is_waited_for(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    evil = evils()
    sold: list[dict[str, Any]] = []
    selling(evil, sold)
    desk = sit()
    url, purchase, before = buy_hosting(desk, evil.url)
    assert (purchase.price, purchase.address, before.buckets) == (50_000, ADDRESS, 0)
    slept: list[float] = []

    def pay(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            sold.append({"id": 1, "created": 1, "expires": 9, "bytes_free": 5, "transfer_free": 6})

    credited = wait_for_credit(desk, url, before, 60, pay)
    assert credited is not None
    assert (credited.buckets, len(slept)) == (1, 2)
    assert desk.store.servers(1)[0].bytes_free == 5
    assert wait_for_credit(desk, url, credited, -1, pay) is None


def test_servers_are_asked_at_once_and_what_is_known_is_shown(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    good, odd = evils(), evils()
    odd.bend = lambda path, _asked, answer: {"buckets": 5} if path == "v1/buckets" else answer
    desk = sit(good, odd)
    first, second = look_at_servers(desk)
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
