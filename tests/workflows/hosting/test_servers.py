"""Servers that say odd things of hosting, and warnings before it ends."""

from __future__ import annotations

from collections.abc import Callable

from rein.store.servers import ServerRow
from rein.workflows.hosting.quota_warnings import warnings_of
from rein.workflows.hosting.servers import look_at_servers
from tests.support.evil_server import EvilServer
from tests.workflows.conftest import Sit

DAY = 86_400


def test_servers_are_asked_at_once_and_what_is_known_is_shown(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    good, odd = evils(), evils()
    odd.bend = lambda path, _asked, answer: {"buckets": 5} if path == "v1/buckets" else answer
    session = sit(good, odd)
    first, second = look_at_servers(session)
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
