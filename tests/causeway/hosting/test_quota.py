"""Storage and transfer, counted to the byte, whatever happens at the same time."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causeway.errors import StorageExhaustedError
from causeway.hosting.service import BUCKET_BYTES, BUCKET_TRANSFER, LockedBucket, charge_for
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person, Story, enroll

FULL = "SELECT bytes_total - bytes_used FROM bucket WHERE owner = :owner ORDER BY id"


def used(server: Server, owner: Person) -> list[int]:
    """Bytes used in each bucket of an owner, after making sure that they are what the values there take."""
    wrong = """
        SELECT bucket.id, bytes_used, coalesce(sum(octet_length(key) + octet_length(value)), 0)
        FROM bucket LEFT JOIN kv ON bucket_id = bucket.id GROUP BY bucket.id
        HAVING bytes_used <> coalesce(sum(octet_length(key) + octet_length(value)), 0)
    """
    assert server.rows(wrong) == []
    rows = server.rows("SELECT bytes_used FROM bucket WHERE owner = :owner ORDER BY id", owner=owner.master_address)
    return [int(str(size)) for (size,) in rows]


def shrink(server: Server, owner: Person, size: int) -> None:
    """Make the owner's buckets that small."""
    server.rows("UPDATE bucket SET bytes_total = :size WHERE owner = :owner", size=size, owner=owner.master_address)


def test_bytes_of_utf_8_of_key_and_value_are_charged(server: Server, caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "Zoë€\U0001f4a3").status == 201
    assert used(server, bob) == [3 + 2 + 2 + 3 + 4]
    (bucket,) = caller.get("/request", owner=bob.master_address).data["buckets"][:1]
    assert bucket["bytes_free"] == str(BUCKET_BYTES - 14)


def test_an_overwrite_charges_the_difference(server: Server, caller: Caller, bob: Person) -> None:
    for value, size in (("x" * 100, 103), ("x" * 300, 303), ("x", 4)):
        assert caller.put(bob, "key", value).status == 201
        assert used(server, bob) == [size]


def test_a_full_bucket_takes_not_one_byte_more(server: Server, caller: Caller, bob: Person) -> None:
    shrink(server, bob, 100)
    refused = caller.put(bob, "key", "x" * 98)
    assert refused.outcome == (403, "storage_exhausted")
    assert refused.data["hint"].startswith("101 bytes are needed; the bucket with the most space has 100.")
    assert "rein buy" in refused.data["hint"]
    assert caller.put(bob, "key", "x" * 97).status == 201
    assert caller.put(bob, "k", "x").outcome == (403, "storage_exhausted")
    assert caller.put(bob, "key", "y" * 98).outcome == (403, "storage_exhausted")
    assert caller.put(bob, "key", "y" * 97).status == 201
    assert used(server, bob) == [100]
    assert caller.stored("key") == "y" * 97


def test_only_the_owners_own_buckets_are_charged(server: Server, caller: Caller, bob: Person, mallory: Person) -> None:
    """S3 of 2016: Mallory's values were charged to Bob's bucket."""
    assert caller.put(mallory, "key", "x" * 1000).status == 201
    assert used(server, bob) == [0]
    shrink(server, mallory, 1003)
    assert caller.put(mallory, "other", "x").outcome == (403, "storage_exhausted")


def test_a_value_that_outgrows_its_bucket_moves(server: Server, caller: Caller, bob: Person) -> None:
    caller.register(bob)
    shrink(server, bob, 100)
    assert caller.put(bob, "a", "x" * 59).status == 201
    assert caller.put(bob, "b", "x" * 39).status == 201
    assert sorted(used(server, bob)) == [0, 100]
    assert caller.put(bob, "b", "x" * 79).status == 201
    assert sorted(used(server, bob)) == [60, 80]


def test_an_expired_bucket_takes_nothing_and_keeps_what_it_has(server: Server, caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "a", "kept").status == 201
    server.rows("UPDATE bucket SET expires = now() - interval '1 second'")
    assert caller.put(bob, "a", "new").outcome == (403, "storage_exhausted")
    assert caller.stored("a") == "kept"
    caller.register(bob)
    assert caller.put(bob, "a", "new").status == 201
    assert used(server, bob) == [0, 4]


def test_an_owner_without_buckets_cannot_write(server: Server, caller: Caller, bob: Person) -> None:
    server.rows("DELETE FROM bucket")
    assert caller.put(bob, "a", "x").outcome == (403, "storage_exhausted")


def test_writes_at_once_exceed_no_quota(server: Server, caller: Caller, bob: Person) -> None:
    """Twelve values of which four fit, at once, each on a connection of its own."""
    caller.register(bob)
    shrink(server, bob, 2_020)
    bodies = [caller.put_body(bob, f"key{n:02d}", "x" * 995) for n in range(12)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: server.caller().post("/put", body), bodies))
    assert sorted({answer.outcome for answer in answers}, key=str) == [(201, None), (403, "storage_exhausted")]
    assert sum(answer.status == 201 for answer in answers) == 4
    assert used(server, bob) == [2_000, 2_000]


def test_writes_of_one_key_at_once_are_counted_once(server: Server, caller: Caller, bob: Person, deal: Story) -> None:
    """New key, same owner, different sizes, documents among them: the last one counts, and nothing else."""
    values = ["x" * size for size in (1, 500, 2_000)] + [
        deal.job.armored,
        deal.bid.armored,
        enroll(bob).armored,
    ]
    for _ in range(3):
        bodies = [caller.put_body(bob, "key", value) for value in values]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda body: server.caller().post("/put", body), bodies))
        assert [answer.status for answer in answers] == [201] * len(values)
        (size,) = used(server, bob)
        assert size == len(("key" + (caller.stored("key") or "")).encode())
        documents = server.rows("SELECT id FROM document")
        assert documents == server.rows("SELECT document_id FROM kv WHERE document_id IS NOT NULL")
        assert len(server.rows("SELECT 1 FROM delegation")) == len(server.rows("SELECT 1 FROM enrollment")) <= 1
        server.rows("DELETE FROM kv")
        server.rows("DELETE FROM document")
        server.rows("UPDATE bucket SET bytes_used = 0")


def test_a_key_wanted_by_two_owners_at_once_goes_to_one(
    server: Server, caller: Caller, bob: Person, mallory: Person
) -> None:
    bodies = [caller.put_body(who, "key", who.name) for who in (bob, mallory) for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: server.caller().post("/put", body), bodies))
    winner = caller.stored("key")
    assert winner in ("Bob", "Mallory")
    for body, answer in zip(bodies, answers, strict=True):
        assert answer.outcome == ((201, None) if body["value"] == winner else (403, "key_taken"))
    assert sorted(used(server, bob) + used(server, mallory)) == [0, 3 + len(str(winner))]


def test_a_document_that_comes_and_goes_at_once_is_indexed_if_it_is_stored(
    server: Server, caller: Caller, bob: Person, mallory: Person, deal: Story
) -> None:
    """Bob overwrites the last copy while Mallory stores the document: the index must agree with what is kept."""
    for turn in range(6):
        assert caller.put(bob, "bobs", deal.job).status == 201
        bodies = [caller.put_body(bob, "bobs", "gone"), caller.put_body(mallory, f"mallorys{turn}", deal.job)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda body: server.caller().post("/put", body), bodies))
        assert [answer.status for answer in answers] == [201, 201]
        assert server.rows("SELECT id FROM document") == [(deal.job.id,)]
        assert caller.put(mallory, f"mallorys{turn}", "gone").status == 201
        assert server.rows("SELECT id FROM document") == []


def test_the_same_put_at_once_is_served_once(server: Server, caller: Caller, bob: Person) -> None:
    body = caller.put_body(bob, "key", "value")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: server.caller().post("/put", body), range(6)))
    assert sorted(answer.outcome for answer in answers if answer.status != 201) == [(401, "nonce_used")] * 5


# ----- transfer --------------------------------------------------------------------------------------------------


def test_reading_is_charged_to_the_bucket_that_holds_the_value(server: Server, caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "x" * 997).status == 201
    for _ in range(3):
        assert caller.stored("key") is not None
    assert server.value("SELECT transfer_used FROM bucket") == 3_000
    bucket = caller.get("/request", owner=bob.master_address).data["buckets"][0]
    assert bucket["transfer_free"] == str(BUCKET_TRANSFER - 3_000)


def test_a_bucket_out_of_transfer_keeps_its_values(server: Server, caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "x" * 97).status == 201
    server.rows("UPDATE bucket SET transfer_total = 250")
    assert [caller.get("/get", key="key").outcome for _ in range(3)] == [
        (200, None),
        (200, None),
        (402, "transfer_exhausted"),
    ]
    server.rows("UPDATE bucket SET transfer_total = 300")
    assert caller.stored("key") == "x" * 97


def test_reads_at_once_exceed_no_transfer(server: Server, caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "x" * 97).status == 201
    server.rows("UPDATE bucket SET transfer_total = 750")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.caller().get("/get", key="key").status, range(16)))
    assert (answers.count(200), answers.count(402)) == (7, 9)
    assert server.value("SELECT transfer_used FROM bucket") == 700


# ----- the rule by itself ----------------------------------------------------------------------------------------

buckets = st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=4).map(
    lambda pairs: [LockedBucket(number, live, free) for number, (live, free) in enumerate(pairs)]
)


@given(buckets, st.integers(1, 50), st.none() | st.integers(0, 3), st.integers(0, 50))
@settings(max_examples=300)
def test_a_charge_fits_and_is_refused_only_where_nothing_would(
    have: list[LockedBucket], size: int, old_bucket: int | None, old_size: int
) -> None:
    if old_bucket is None or old_bucket >= len(have):
        old_bucket, old_size = None, 0
    frees = {room.id: room.bytes_free + (old_size if room.id == old_bucket else 0) for room in have if room.live}
    try:
        charge = charge_for(have, size, old_bucket=old_bucket, old_size=old_size)
    except StorageExhaustedError:
        assert all(free < size for free in frees.values())
        return
    assert frees[charge.charged] >= size == charge.charge
    assert charge.credit == old_size
    assert charge.credited == (charge.charged if old_bucket is None else old_bucket)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_first_room_that_fits_is_taken(order: tuple[int, ...]) -> None:
    have = [LockedBucket(number, live=True, bytes_free=10 * number) for number in order]
    assert charge_for(have, 10, old_bucket=None, old_size=0).charged == next(number for number in order if number)
