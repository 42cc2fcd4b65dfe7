"""POST /v1/put and /v1/delete: many values in one request, each with a verdict of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causeway.search.tombstones import deleted_here
from rein.protocol.wire import MAX_BATCH, MAX_BATCH_BYTES
from tests.causeway.callers_v1 import Caller
from tests.causeway.conftest import Server
from tests.causeway.hosting.test_quota import shrink, used
from tests.causeway.legacy_callers import Caller as OldCaller
from tests.support.people import Person, Story, enroll, forged, person, rewritten, story
from tests.support.texts import any_string


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else str(value.armored)


def test_many_values_are_stored_and_come_back(server: Server, v1: Caller, bob: Person, deal: Story) -> None:
    values = {"job": deal.job, "bid": deal.bid, "note": "Zoë€", "who": enroll(bob)}
    answer = v1.put(bob, values)
    assert answer.status == 200, answer.data
    assert answer.data == {"verdicts": [{"key": key, "stored": True} for key in values]}
    found = v1.post("/get", {"keys": [*values]}).data["values"]
    assert found == [{"key": key, "value": text_of(value)} for key, value in values.items()]
    assert used(server, bob) == [sum(len((key + text_of(value)).encode()) for key, value in values.items())]


def test_documents_are_indexed_as_by_single_puts(
    server: Server, caller: OldCaller, v1: Caller, bob: Person, deal: Story
) -> None:
    documents = [enroll(deal.mediator, True), enroll(bob), deal.job, *deal.documents]
    columns = "SELECT array_agg(column_name::text ORDER BY column_name) FROM information_schema.columns"
    names = server.value(f"{columns} WHERE table_name = 'document' AND column_name NOT IN ('seq', 'stored')")
    assert isinstance(names, list)
    rows = f"SELECT {', '.join(names)} FROM document ORDER BY seq"
    enrolled = (
        "SELECT id, master, sin, delegate, name, contact, willing_to_mediate, is_current FROM enrollment ORDER BY id"
    )
    for document in documents:
        assert caller.put(bob, document.id, document).status == 201
    single = server.rows(rows), server.rows(enrolled), server.rows("SELECT * FROM delegation ORDER BY enrollment")
    assert v1.delete(bob, *(document.id for document in documents)).codes == [None] * len(documents)
    assert server.value("SELECT count(*) FROM document") == server.value("SELECT count(*) FROM delegation") == 0
    assert v1.put(bob, {document.id: document for document in documents}).codes == [None] * len(documents)
    batch = server.rows(rows), server.rows(enrolled), server.rows("SELECT * FROM delegation ORDER BY enrollment")
    assert batch == single


def test_overwriting_charges_the_difference_and_lets_go_of_documents(
    server: Server, v1: Caller, bob: Person, deal: Story
) -> None:
    assert v1.put(bob, {"a": deal.job, "b": deal.job, "c": "x" * 100}).codes == [None] * 3
    assert v1.put(bob, {"a": deal.bid, "c": "x"}).codes == [None] * 2
    assert server.value("SELECT count(*) FROM document") == 2
    assert v1.put(bob, {"b": "gone"}).codes == [None]
    assert server.rows("SELECT id FROM document") == [(deal.bid.id,)]
    assert used(server, bob) == [sum(len(text) for text in ("a" + deal.bid.armored, "bgone", "cx"))]
    assert server.value("SELECT count(*) FROM tombstone") == 0


def test_what_does_not_fit_is_left_out_and_the_rest_is_kept(server: Server, v1: Caller, bob: Person) -> None:
    shrink(server, bob, 100)
    answer = v1.put(bob, {"a": "x" * 50, "b": "x" * 60, "c": "x" * 47, "d": "x"})
    assert answer.codes == [None, "storage_exhausted", None, "storage_exhausted"]
    assert used(server, bob) == [99]


def test_a_batch_spreads_over_buckets(server: Server, caller: OldCaller, v1: Caller, bob: Person) -> None:
    caller.register(bob)
    shrink(server, bob, 100)
    assert v1.put(bob, {"a": "x" * 59, "b": "x" * 39, "c": "x" * 90}).codes == [None] * 3
    assert sorted(used(server, bob)) == [91, 100]
    assert v1.put(bob, {"b": "x", "a": "x" * 97}).codes == [None] * 2
    assert sorted(used(server, bob)) == [91, 100]


def test_a_key_of_somebody_else_and_a_key_twice(v1: Caller, bob: Person, mallory: Person) -> None:
    assert v1.put(bob, {"bobs": "his"}).codes == [None]
    items = [{"key": "bobs", "value": "mine"}, {"key": "k", "value": "1"}, {"key": "k", "value": "2"}]
    assert v1.put(mallory, items).codes == ["key_taken", None, "duplicate_key"]
    assert [each["value"] for each in v1.post("/get", {"keys": ["bobs", "k"]}).data["values"]] == ["his", "1"]
    assert v1.delete(mallory, "bobs", "k").codes == ["key_not_found", None]
    assert v1.post("/get", {"keys": ["bobs", "k"]}).codes == [None, "key_not_found"]


def test_a_delegate_may_write_once_it_is_enrolled(v1: Caller, bob: Person, mallory: Person) -> None:
    delegate = bob.delegate
    assert v1.put(bob, {"k": "v"}, by=delegate).outcome == (403, "not_delegate")
    assert v1.delete(bob, "k", by=delegate).outcome == (403, "not_delegate")
    assert v1.put(bob, {"e": enroll(mallory), "k": "v"}, by=delegate).outcome == (403, "not_delegate")
    assert v1.put(bob, {"k": "v", "e": enroll(bob)}, by=delegate).codes == [None, None]
    assert v1.delete(bob, "k", by=delegate).codes == [None]
    assert v1.put(bob, {"k": "v"}, by=mallory.master).outcome == (403, "not_delegate")


def test_an_enrollment_that_the_same_batch_replaces_proves_nothing(v1: Caller, bob: Person) -> None:
    old = enroll(bob)
    new = enroll(bob, previous=old.id, delegate_address=person("New").delegate_address)
    assert v1.put(bob, {"old": old, "new": new}, by=bob.delegate).outcome == (403, "not_delegate")


def test_an_owner_must_be_registered(v1: Caller, server: Server, bob: Person) -> None:
    eve = person("Eve")
    nonce = server.mint().make(eve.master_address)
    assert v1.signed(eve, "/put", {"values": [{"key": "k", "value": "v"}]}, nonce=nonce).outcome == (
        403,
        "unknown_owner",
    )
    server.rows("DELETE FROM bucket")
    assert v1.put(bob, {"k": "v"}).outcome == (403, "storage_exhausted")
    assert v1.delete(bob, "k").codes == ["key_not_found"]


# ----- deleting ------------------------------------------------------------------------------------------------------


def test_deleting_gives_the_bytes_back(server: Server, v1: Caller, bob: Person, deal: Story) -> None:
    assert v1.put(bob, {"a": "x" * 100, "job": deal.job}).codes == [None, None]
    answer = v1.delete(bob, "a", "none", "job", "a")
    assert answer.data["verdicts"][0] == {"key": "a", "deleted": True}
    assert answer.codes == [None, "key_not_found", None, None]
    assert used(server, bob) == [0]
    assert server.rows("SELECT document_id FROM tombstone") == [(deal.job.id,)]
    assert server.value("SELECT count(*) FROM document") == 0


def test_only_the_last_copy_is_buried_and_storing_it_again_is_allowed(
    server: Server, v1: Caller, bob: Person, mallory: Person, deal: Story
) -> None:
    def found() -> set[str]:
        with server.engine.connect() as connection:
            return deleted_here(connection, [deal.job.id, deal.bid.id])

    assert v1.put(bob, {"a": deal.job}).codes == v1.put(mallory, {"b": deal.job}).codes == [None]
    assert v1.delete(bob, "a").codes == [None]
    assert server.rows("SELECT owner FROM tombstone") == []
    assert v1.delete(mallory, "b").codes == [None]
    assert server.rows("SELECT owner FROM tombstone") == [(mallory.master_address,)]
    assert found() == set()
    assert v1.put(bob, {"a": deal.job}).codes == [None]
    assert v1.delete(bob, "a").codes == [None]
    assert found() == {deal.job.id}
    # What its author wished, no stranger changes.
    assert v1.put(mallory, {"b": deal.job}).codes == [None]
    assert v1.delete(mallory, "b").codes == [None]
    assert found() == {deal.job.id}


def test_an_author_takes_no_document_from_who_stores_it_too(
    server: Server, caller: OldCaller, v1: Caller, bob: Person, deal: Story
) -> None:
    """In no way in which it can be asked for; and who has answered it may still write."""
    charlie, enrolled = person("Charlie"), enroll(person("Charlie"))
    caller.register(charlie)
    job = {"j": deal.job, "o": deal.offer, "e": enroll(bob)}
    assert v1.put(bob, job).codes == [None] * 3
    theirs = {f"c{key}": value for key, value in job.items()}
    assert v1.put(charlie, theirs | {"b": deal.bid, "ce2": enrolled}).codes == [None] * 5
    assert v1.delete(bob, *job).codes == [None] * 3
    assert v1.post("/get", {"keys": [*job]}).codes == ["key_not_found"] * 3
    ids = [each.id for each in job.values()]
    assert [each["id"] for each in v1.post("/documents", {"ids": ids}).data["documents"]] == ids
    assert {each["id"] for each in v1.get("/feed", after=0, limit=10).data["documents"]} > set(ids)
    assert v1.get("/feed", after=0, limit=10).data["removed"] == []
    assert [each["id"] for each in v1.get("/search", text="widget").data["jobs"]] == [deal.job.id]
    assert len(caller.query(charlie, "by_job_id", job_ids=deal.job.document.job_id)) == 3
    assert server.rows("SELECT * FROM tombstone") == []
    assert v1.put(bob, {"again": deal.delivery}, by=bob.delegate).codes == [None], (
        "the enrollment is there all the same"
    )
    assert v1.delete(charlie, *theirs).codes == [None] * 3
    assert {each["id"] for each in v1.get("/feed", after=0, limit=10).data["removed"]} == set(ids)


# ----- hostile batches -----------------------------------------------------------------------------------------------

STORY = story()
GOOD = [STORY.job.armored, STORY.bid.armored, enroll(person("Bob")).armored, "text", "é€", "-----BEGIN", "x" * 2_000]
HOSTILE_VALUES = [
    STORY.job.armored.replace("Widget", "Wodget"),
    STORY.job.armored[:-10],
    forged(STORY.bid.document, person("Mallory").master),
    rewritten(STORY.job, STORY.creator.delegate, lambda text: text.replace("Network: regtest", "Network: mainnet")),
    "-----BEGIN BITCOIN SIGNED MESSAGE-----",
    "",
    "nul\x00",
    "\ud800",
    None,
    7,
    [],
    {"value": "x"},
    "x" * 262_145,
]
HOSTILE_ITEMS = [
    None,
    1,
    "x",
    [],
    {},
    {"key": "a"},
    {"value": "a"},
    {"key": 1, "value": "x"},
    {"key": "a b", "value": "x"},
]

good_items = st.sampled_from(GOOD).map(lambda value: ("good", {"key": "k", "value": value}))
hostile_items = (st.sampled_from(HOSTILE_VALUES) | any_string.filter(lambda text: text == "" or "\x00" in text)).map(
    lambda value: ("hostile", {"key": "k", "value": value})
) | st.sampled_from(HOSTILE_ITEMS).map(lambda item: ("hostile", item))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(good_items | hostile_items, min_size=1, max_size=12))
def test_no_hostile_item_is_stored_and_no_good_one_is_lost(
    server: Server, v1: Caller, bob: Person, items: list[tuple[str, Any]]
) -> None:
    server.rows("DELETE FROM kv; DELETE FROM document; DELETE FROM delegation; UPDATE bucket SET bytes_used = 0")
    sent = [
        {**item, "key": f"key{at}"} if isinstance(item, dict) and item.get("key") == "k" else item
        for at, (_, item) in enumerate(items)
    ]
    answer = v1.put(bob, sent)
    assert answer.status == 200
    assert [code is None for code in answer.codes] == [kind == "good" for kind, _ in items]
    wanted = {item["key"]: item["value"] for (kind, _), item in zip(items, sent, strict=True) if kind == "good"}
    assert dict(server.rows("SELECT key, value FROM kv")) == wanted
    assert used(server, bob) == [sum(len((key + value).encode()) for key, value in wanted.items())]
    documents = server.rows("SELECT DISTINCT document_id FROM kv WHERE document_id IS NOT NULL ORDER BY 1")
    assert documents == server.rows("SELECT id FROM document ORDER BY 1")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", (400, "bad_json")),
        (b"{", (400, "bad_json")),
        (b"[]", (400, "bad_json")),
        (b"{}", (400, "missing_parameter")),
        (b'{"values": null}', (400, "missing_parameter")),
        (b'{"values": {}}', (400, "bad_parameter")),
        (b'{"values": []}', (400, "bad_parameter")),
        (b'{"values": [' + b",".join([b"1"] * (MAX_BATCH + 1)) + b"]}", (400, "bad_parameter")),
        (b'{"values": [{"key": "a", "key": "b", "value": "x"}]}', (400, "bad_request")),
        (b'{"values": [1], "values": [2]}', (400, "bad_request")),
        (b'{"values": [NaN]}', (400, "bad_json")),
        (b'{"values": ' + b"[" * 100_000, (400, "bad_json")),
        (b"\xff", (400, "bad_json")),
    ],
)
def test_a_body_that_cannot_be_read_stores_nothing(
    server: Server, v1: Caller, bob: Person, body: bytes, outcome: tuple[int, str]
) -> None:
    assert v1.post("/put", body, v1.headers(bob, "/put", body)).outcome == outcome
    assert server.value("SELECT count(*) FROM nonce_use") == 0


def test_a_body_has_a_limit_of_its_own(v1: Caller, bob: Person) -> None:
    fitting = [{"key": f"k{n}", "value": "x" * 40_000} for n in range(100)]
    codes = v1.put(bob, fitting).codes
    assert codes == [None] * 26 + ["storage_exhausted"] * 74
    assert v1.post("/put", b" " * (MAX_BATCH_BYTES + 1), {"Rein-Owner": "x"}).outcome in (
        (400, "missing_parameter"),
        (400, "bad_parameter"),
        (413, "body_too_large"),
    )
    body = b" " * (MAX_BATCH_BYTES + 1)
    assert v1.post("/put", body, v1.headers(bob, "/put", body)).outcome == (413, "body_too_large")


# ----- at once -------------------------------------------------------------------------------------------------------


def test_batches_at_once_exceed_no_quota(server: Server, v1: Caller, bob: Person) -> None:
    shrink(server, bob, 2_000)
    bodies = [{"values": [{"key": f"{turn}-{n}", "value": "x" * 97} for n in range(10)]} for turn in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: Caller(server.app.test_client()).signed(bob, "/put", body), bodies))
    assert sum(code is None for answer in answers for code in answer.codes) == 20
    assert used(server, bob) == [2_000]


def test_the_same_documents_at_once_by_two_owners_are_indexed_once(
    server: Server, v1: Caller, bob: Person, mallory: Person, deal: Story
) -> None:
    documents = [deal.job, *deal.documents, enroll(bob), enroll(mallory)]

    def put(who: Person) -> list[str | None]:
        ordered = documents if who is bob else documents[::-1]
        body = {"values": [{"key": f"{who.name}{n}", "value": each.armored} for n, each in enumerate(ordered)]}
        return Caller(server.app.test_client()).signed(who, "/put", body).codes

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            codes = list(pool.map(put, [bob, mallory, bob, mallory]))
        assert codes == [[None] * len(documents)] * 4
        assert server.value("SELECT count(*) FROM document") == len(documents)
        keys = [f"{name}{n}" for name in ("Bob", "Mallory") for n in range(len(documents))]
        assert v1.delete(bob, *keys).codes.count(None) == len(documents)
        assert server.value("SELECT count(*) FROM document") == len(documents)
        assert v1.delete(mallory, *keys).codes.count(None) == len(documents)
        assert server.value("SELECT count(*) FROM document") == 0


def test_the_last_two_copies_may_go_at_once(
    server: Server, v1: Caller, bob: Person, mallory: Person, deal: Story
) -> None:
    for _ in range(8):
        assert v1.put(bob, {"bobs": deal.job}).codes == v1.put(mallory, {"mallorys": deal.job}).codes == [None]
        with ThreadPoolExecutor(2) as pool:
            deleted = pool.map(
                lambda who: Caller(server.app.test_client()).delete(who, f"{who.name.lower()}s").codes, [bob, mallory]
            )
            assert list(deleted) == [[None], [None]]
        assert server.rows("SELECT id FROM document") == []


def test_a_key_wanted_by_two_owners_at_once_goes_to_one(
    server: Server, v1: Caller, bob: Person, mallory: Person
) -> None:
    def put(who: Person) -> list[str | None]:
        body = {"values": [{"key": f"k{n}", "value": who.name} for n in range(20)]}
        return Caller(server.app.test_client()).signed(who, "/put", body).codes

    with ThreadPoolExecutor(2) as pool:
        codes = dict(zip(("Bob", "Mallory"), pool.map(put, [bob, mallory]), strict=True))
    for at, (_, owner) in enumerate(
        sorted(server.rows("SELECT key, value FROM kv"), key=lambda row: int(str(row[0])[1:]))
    ):
        for name, found in codes.items():
            assert found[at] == (None if name == owner else "key_taken")
    used(server, bob)
