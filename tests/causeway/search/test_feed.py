"""GET /v1/feed: everything that came and went, once and in order; and GET /v1/status."""

from __future__ import annotations

from typing import Any

import pytest

from causeway.kv.incoming import IncomingDocument
from causeway.search import index
from rein.protocol.description import describe
from tests.causeway.callers_v1 import Caller
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller as OldCaller
from tests.support.people import Person, Story, bid, enroll


@pytest.fixture
def start(v1: Caller) -> int:
    """Where the feed stands before the test."""
    return int(v1.get("/status").data["settled"])


def ids(data: dict[str, Any]) -> list[str]:
    return [each["id"] for each in data["documents"]]


def test_documents_come_in_the_order_of_their_numbers(v1: Caller, bob: Person, deal: Story, start: int) -> None:
    wanted = [deal.job, *deal.documents, enroll(bob)]
    assert v1.put(bob, {document.id: document for document in wanted}).codes == [None] * len(wanted)
    for limit in (1, 2, 5, 1_000):
        found: list[str] = []
        after, turns = start, 0
        while True:
            data = v1.get("/feed", after=after, limit=limit).data
            numbers = [each["seq"] for each in data["documents"]]
            assert numbers == sorted(numbers)
            assert all(after < number <= data["next"] <= data["settled"] for number in numbers)
            found += ids(data)
            turns += 1
            if data["next"] == after or not data["documents"]:
                break
            after = data["next"]
        assert found == [document.id for document in wanted]
        assert turns <= len(wanted) // limit + 2


def test_a_kind_and_a_network_can_be_asked_for(v1: Caller, bob: Person, deal: Story, start: int) -> None:
    assert v1.put(bob, {"a": deal.job, "b": deal.bid, "c": "opaque"}).codes == [None] * 3
    only = v1.get("/feed", after=start, kind="bid").data
    assert ids(only) == [deal.bid.id]
    assert only["next"] == only["settled"] >= only["documents"][0]["seq"]
    assert len(ids(v1.get("/feed", after=start, network="regtest").data)) == 2
    assert ids(v1.get("/feed", after=start, network="mainnet").data) == []


def test_removals_stand_in_the_same_order(v1: Caller, bob: Person, deal: Story, start: int) -> None:
    assert v1.put(bob, {"a": deal.job, "b": deal.bid, "c": deal.offer}).codes == [None] * 3
    middle = v1.get("/feed", after=start).data["next"]
    assert v1.delete(bob, "b", "a").codes == [None, None]
    data = v1.get("/feed", after=middle).data
    assert ids(data) == []
    assert sorted(each["id"] for each in data["removed"]) == sorted([deal.job.id, deal.bid.id])
    assert middle < data["removed"][0]["seq"] < data["removed"][1]["seq"] <= data["next"]
    one = v1.get("/feed", after=middle, limit=1).data
    assert len(one["removed"]) == 1
    assert len(v1.get("/feed", after=one["next"]).data["removed"]) == 1
    assert v1.put(bob, {"a": deal.job}).codes == [None]
    again = v1.get("/feed", after=start).data
    assert ids(again) == [deal.offer.id, deal.job.id]


def test_what_may_be_added_to_is_not_shown(server: Server, v1: Caller, bob: Person, deal: Story, start: int) -> None:
    with server.engine.connect() as slow:
        index.add(slow, IncomingDocument(deal.bid, describe(deal.bid)))
        assert v1.put(bob, {"a": deal.job}).codes == [None]
        data = v1.get("/feed", after=start).data
        assert (data["documents"], data["next"]) == ([], data["settled"])
        slow.commit()
    assert ids(v1.get("/feed", after=data["next"]).data) == [deal.bid.id, deal.job.id]


def test_who_knows_the_answer_gets_none(v1: Caller, bob: Person, deal: Story, start: int) -> None:
    first = v1.get("/feed", after=start)
    known = {"If-None-Match": first.headers["ETag"]}
    assert v1.get("/feed", known, after=start).status == 304
    assert v1.put(bob, {"a": deal.job}).codes == [None]
    assert v1.get("/feed", known, after=start).status == 200
    for tag in ('"x"', "*", "", "W/", '"' * 50, "x" * 5_000):
        assert v1.get("/feed", {"If-None-Match": tag}, after=start).status in (200, 304)


@pytest.mark.parametrize(
    "parameters",
    [{"after": value} for value in ("-1", "1.5", "x", "", str(2**63), "9" * 30, "٣")]
    + [{"limit": value} for value in ("0", "1001", "-1", "x")]
    + [{"kind": value} for value in ("", "x", "%", "JOB")]
    + [{"network": value} for value in ("", "%", "a" * 17, "Main")],
)
def test_what_cannot_be_used_is_named(v1: Caller, parameters: dict[str, str]) -> None:
    assert v1.get("/feed", **parameters).outcome == (400, "bad_parameter")


def test_the_end_of_all_numbers(v1: Caller) -> None:
    assert v1.get("/feed", after=2**63 - 1).data["next"] == 2**63 - 1


def test_a_flood_of_bids_costs_a_page_a_page(v1: Caller, bob: Person, deal: Story, start: int) -> None:
    bids = [bid(deal.worker, deal.job, description=f"bid {n}") for n in range(30)]
    assert v1.put(bob, {each.id: each for each in bids}).codes == [None] * 30
    page = v1.get("/feed", after=start, limit=10, kind="bid").data
    assert ids(page) == [each.id for each in bids[:10]]
    assert page["next"] == page["documents"][-1]["seq"]


def test_status(server: Server, caller: OldCaller, v1: Caller, bob: Person, deal: Story) -> None:
    assert v1.put(bob, {"a": deal.job}).codes == [None]
    status = v1.get("/status").data
    assert (status["software"], status["network"], status["documents"]) == ("causeway", "regtest", 1)
    assert status["price_sat"] == 0
    assert "http://127.0.0.1:2016" in status["servers"]
    assert status["limits"]["batch"] == 500
