"""POST /v1/get and /v1/documents: many at a time, transfer charged exactly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from causeway.kv import reading
from causeway.search import documents as by_id
from rein.protocol.wire import MAX_BATCH
from tests.causeway.callers_v1 import Caller
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller as OldCaller
from tests.support.people import Person, Story


def test_transfer_is_charged_to_each_bucket(
    server: Server, v1: Caller, bob: Person, mallory: Person, caller: OldCaller
) -> None:
    assert v1.put(bob, {"a": "x" * 99, "b": "x" * 199}).codes == v1.put(mallory, {"c": "x" * 9, "d": "é"}).codes
    answer = v1.post("/get", {"keys": ["a", "c", "none", "b"]})
    assert answer.codes == [None, None, "key_not_found", None]
    assert answer.data["values"][1] == {"key": "c", "value": "x" * 9}
    assert server.rows("SELECT owner, transfer_used FROM bucket ORDER BY transfer_used") == [
        (mallory.master_address, 10),
        (bob.master_address, 300),
    ]


def test_a_key_asked_for_twice_is_charged_once(server: Server, v1: Caller, bob: Person) -> None:
    assert v1.put(bob, {"a": "x" * 99}).codes == [None]
    assert v1.post("/get", {"keys": ["a", "a"]}).codes == [None, None]
    assert server.value("SELECT transfer_used FROM bucket") == 100


def test_a_bucket_serves_what_it_has_transfer_for(server: Server, v1: Caller, bob: Person) -> None:
    assert v1.put(bob, {"a": "x" * 99, "b": "x" * 99, "c": "x" * 99}).codes == [None] * 3
    server.rows("UPDATE bucket SET transfer_total = 250")
    assert v1.post("/get", {"keys": ["b", "c", "a"]}).codes == [None, None, "transfer_exhausted"]
    assert server.value("SELECT transfer_used FROM bucket") == 200
    assert v1.post("/get", {"keys": ["a"]}).codes == ["transfer_exhausted"]
    assert server.value("SELECT transfer_used FROM bucket") == 200


def test_another_bucket_of_the_owner_serves_on(
    server: Server, caller: OldCaller, v1: Caller, bob: Person, mallory: Person
) -> None:
    caller.register(mallory)
    caller.register(bob)
    assert v1.put(bob, {"a": "x" * 99, "b": "x" * 99, "c": "x" * 99}).codes == [None] * 3
    server.rows("UPDATE bucket SET transfer_total = 100")
    assert v1.post("/get", {"keys": ["a", "b", "c"]}).codes == [None, None, "transfer_exhausted"]
    owner = bob.master_address
    assert server.rows("SELECT transfer_used FROM bucket WHERE owner = :owner", owner=owner) == [(100,), (100,)]


def test_reads_at_once_exceed_no_transfer(server: Server, v1: Caller, bob: Person) -> None:
    keys = [f"k{n}" for n in range(10)]
    assert v1.put(bob, dict.fromkeys(keys, "x" * 98)).codes == [None] * 10
    server.rows("UPDATE bucket SET transfer_total = 2550")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: Caller(server.app.test_client()).post("/get", {"keys": keys}), range(8)))
    served = sum(code is None for answer in answers for code in answer.codes)
    assert served == 25
    assert server.value("SELECT transfer_used FROM bucket") == served * 100


def test_an_answer_is_bounded(server: Server, v1: Caller, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    assert v1.put(bob, {f"k{n:02d}": "x" * 40_000 for n in range(24)}).codes == [None] * 24
    server.rows(
        "INSERT INTO kv SELECT key || '-' || n, owner, repeat('x', 40000), size, bucket_id, document_id, testnet "
        "FROM kv, generate_series(1, 5) AS n"
    )
    keys = [f"k{n:02d}-{m}" for n in range(24) for m in range(1, 6)]
    codes = v1.post("/get", {"keys": keys}).codes
    fitting = codes.index("answer_full")
    assert codes == [None] * fitting + ["answer_full"] * (len(keys) - fitting)
    assert reading.MAX_BATCH_BYTES - 41_000 < fitting * 40_003 <= reading.MAX_BATCH_BYTES
    assert server.value("SELECT transfer_used FROM bucket") == fitting * 40_003


@pytest.mark.parametrize("key", [None, 1, [], {}, "", "a b", "%", "a\x00", "\ud800", "x" * 129, "x" * 100_000])
def test_a_key_that_is_none_has_a_verdict(v1: Caller, bob: Person, key: object) -> None:
    assert v1.put(bob, {"a": "x"}).codes == [None]
    answer = v1.post("/get", {"keys": [key, "a"]})
    assert answer.codes[0] in ("bad_parameter", "missing_parameter")
    assert answer.data["values"][1] == {"key": "a", "value": "x"}
    assert v1.delete(bob, key, "a").codes[0] in ("bad_parameter", "missing_parameter")  # type: ignore[arg-type]


def test_documents_by_id(v1: Caller, bob: Person, deal: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    assert v1.put(bob, {"a": deal.job, "b": deal.bid}).codes == [None, None]
    ids = [deal.bid.id, deal.offer.id, deal.job.id, deal.bid.id]
    answer = v1.post("/documents", {"ids": ids}).data
    assert [(each["id"], each["kind"], each["armored"]) for each in answer["documents"]] == [
        (deal.bid.id, "bid", deal.bid.armored),
        (deal.job.id, "job", deal.job.armored),
    ]
    assert (answer["left"], answer["missing"]) == ([], [deal.offer.id])
    monkeypatch.setattr(by_id, "MAX_ANSWER_BYTES", 10)
    answer = v1.post("/documents", {"ids": ids}).data
    assert [each["id"] for each in answer["documents"]] == [deal.bid.id]
    assert (answer["left"], answer["missing"]) == ([deal.job.id], [deal.offer.id])


@pytest.mark.parametrize("ids", [None, [], {}, "x", ["x"], [1], ["A" * 64], [None], ["0" * 64] * (MAX_BATCH + 1)])
def test_ids_that_are_none_are_refused(v1: Caller, ids: object) -> None:
    answer = v1.post("/documents", {"ids": ids})
    assert answer.outcome in ((400, "bad_parameter"), (400, "missing_parameter"))


def test_an_owner_sees_what_is_left_and_asking_changes_nothing(
    server: Server, v1: Caller, bob: Person, mallory: Person
) -> None:
    before = v1.get("/buckets", owner=bob.master_address).data["buckets"]
    assert v1.put(bob, {"a": "x" * 99}).codes == [None]
    assert v1.post("/get", {"keys": ["a"]}).codes == [None]
    (bucket,) = v1.get("/buckets", owner=bob.master_address).data["buckets"]
    assert set(bucket) == {"id", "created", "expires", "bytes_free", "transfer_free"}
    assert bucket["bytes_free"] == before[0]["bytes_free"] - 100
    assert bucket["transfer_free"] == before[0]["transfer_free"] - 100
    assert bucket["expires"] - bucket["created"] == pytest.approx(365 * 86_400, abs=2)
    assert server.value("SELECT count(*) FROM bucket") == 2
    server.rows("UPDATE bucket SET expires = now()")
    assert v1.get("/buckets", owner=bob.master_address).data == {"buckets": []}
    assert v1.get("/buckets", owner="x").outcome == (400, "bad_parameter")
    assert v1.get("/buckets").outcome == (400, "missing_parameter")
