"""GET /status, / and /help."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from causeway.about.service import CachedCount, Holdings, free_bytes
from causeway.db.engine import Database, parse_url
from rein import __version__
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person, Story


def test_status_counts_what_is_stored(
    caller: Caller, bob: Person, deal: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("causeway.about.service.COSTLY_S", 60)  # however busy this machine is
    before = caller.get("/status").data
    assert (before["stored"], before["documents"]) == ("0", 0)
    assert caller.put(bob, "key", deal.job).status == 201
    after = caller.get("/status").data
    assert after["stored"] == str(3 + len(deal.job.armored.encode()))
    assert (after["documents"], after["network"], after["version"]) == (1, "regtest", __version__)
    assert after["uptime"].isdigit()
    assert int(after["free"]) > 0
    assert after["price"] == "0"


@pytest.mark.parametrize("path", ["/", "/help"])
def test_every_endpoint_is_listed(caller: Caller, path: str) -> None:
    listed = {(each["method"], each["path"]) for each in caller.get(path).data["endpoints"]}
    assert listed == {
        *(("GET", path) for path in ("/", "/help", "/info", "/status", "/openapi.json", "/docs")),
        *(("GET", path) for path in ("/healthz", "/readyz", "/metrics")),
        *(("GET", path) for path in ("/get", "/nonce", "/query", "/request", "/price", "/buy", "/address", "/balance")),
        *(("POST", path) for path in ("/put", "/delete")),
        *((method, "/bitcoin") for method in ("GET", "POST")),
        *(("GET", f"/v1/{name}") for name in ("status", "nonce", "feed", "search", "buckets")),
        *(("POST", f"/v1/{name}") for name in ("put", "get", "delete", "documents", "balance", "buy")),
    }
    assert all(each["description"] for each in caller.get(path).data["endpoints"])


def test_counting_that_is_slow_is_not_done_for_everybody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(parse_url(server.settings.database_url or ""), connections=1)
    now = [100.0]
    monkeypatch.setattr("causeway.about.service.time.monotonic", lambda: now[0])
    counts = iter(range(10))

    def count(_: Connection) -> Holdings:
        number = next(counts)
        now[0] += 0.5 if number == 1 else 0.001
        return Holdings(0, number)

    counter = CachedCount(database, count)
    assert [counter.counted().documents for _ in range(3)] == [0, 1, 1]
    now[0] += 9
    assert counter.counted().documents == 1
    now[0] += 2
    assert counter.counted().documents == 2


def test_free_space_is_that_of_the_disk_even_where_nothing_was_made_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") > 0
