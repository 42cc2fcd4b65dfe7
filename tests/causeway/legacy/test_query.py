"""GET /query: every kind of question, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from causeway.search import pages
from rein.protocol.documents import Role
from rein.protocol.signed import Signed, verify
from rein.protocol.sin import secure_identity_number
from rein.protocol.wire import MAX_QUERY_ITEMS, Query
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller, armored
from tests.support.people import Person, Story, bid, delivery, enroll, job, offer, person, rating

OTHER_ID = "b" * 20


@pytest.fixture
def library(caller: Caller, bob: Person, deal: Story) -> Story:
    """The whole job, stored by Bob, with the enrollments of all three, and a second job that nobody bid on."""
    store(
        caller,
        bob,
        [enroll(deal.mediator, True), enroll(bob), enroll(deal.worker), deal.job, *deal.documents],
    )
    return deal


def store(caller: Caller, owner: Person, documents: Sequence[Signed[Any]]) -> None:
    """Store documents under keys of their own."""
    nonce = caller.nonce(owner)
    for document in documents:
        answer = caller.put(owner, document.id, document, nonce=nonce)
        assert answer.status == 201, answer.data


def test_an_account_is_required(caller: Caller) -> None:
    """The body is that of 2016; the HTTP status says it too."""
    answer = caller.get("/query", owner=person("Eve").master_address, query="jobs")
    assert answer.outcome == (403, "account_required")
    assert answer.data["message"] == "Account required to make queries"


@pytest.mark.parametrize("query", [each.value for each in Query])
def test_every_kind_is_answered_in_one_shape(caller: Caller, bob: Person, query: str) -> None:
    their = {"deliveries": "job_creator", "in-process": "worker", "review": "mediator", "enrollments": "masters"}
    their |= {"get_user_ratings": "dest", "get_user_name": "msin"}
    also = {their.get(query, "search_input"): bob.master_address, "job_ids": OTHER_ID}
    answer = caller.get("/query", owner=bob.master_address, delegate=bob.delegate_address, query=query, **also)
    assert answer.status == 200
    assert answer.data == {"status": "success", "result": "success", query: [], "block_info": None, "next": None}


def test_jobs_come_newest_first(caller: Caller, bob: Person, library: Story) -> None:
    newer = job(bob, library.mediator, job_id=OTHER_ID)
    store(caller, bob, [newer])
    assert caller.query(bob, "jobs") == armored(newer, library.job)


def test_bids_of_all_of_some_job_ids_and_of_one_creator(caller: Caller, bob: Person, library: Story) -> None:
    mallory, charlie = person("Mallory"), library.worker
    foreign = job(mallory, library.mediator, job_id=OTHER_ID)
    on_foreign = bid(charlie, foreign)
    store(caller, bob, [foreign, on_foreign])
    assert caller.query(bob, "bids") == armored(library.bid, on_foreign)
    assert caller.query(bob, "bids", job_ids=OTHER_ID) == armored(on_foreign)
    assert caller.query(bob, "bids", job_ids="") == []
    assert caller.query(bob, "bids", creator=bob.master_address) == armored(library.bid)
    key = foreign.document.creator_public_key.hex()
    assert caller.query(bob, "bids", creator=key) == armored(on_foreign)
    both = caller.get("/query", owner=bob.master_address, query="bids", creator=key, job_ids=OTHER_ID)
    assert both.outcome == (400, "conflicting_parameters")


def test_deliveries_are_found_through_their_job(caller: Caller, bob: Person, library: Story) -> None:
    """A delivery names its worker; that it is for Bob says the job it belongs to."""
    key = library.job.document.creator_public_key.hex()
    for who in (bob.master_address, key):
        assert caller.query(bob, "deliveries", job_creator=who) == armored(library.delivery)
    assert caller.query(bob, "deliveries", job_creator=person("Mallory").master_address) == []


def test_what_is_in_process_for_a_worker(caller: Caller, bob: Person, library: Story) -> None:
    by_address = caller.query(bob, "in-process", worker=library.worker.master_address)
    assert by_address == armored(library.bid, library.offer, library.delivery)
    key = library.bid.document.worker_public_key.hex()
    assert caller.query(bob, "in-process", worker=key) == armored(library.bid, library.offer)


def test_a_mediator_reviews_the_jobs_that_name_it(caller: Caller, bob: Person, library: Story) -> None:
    assert caller.query(bob, "review", mediator=library.mediator.master_address) == armored(library.job)
    for who in (bob.master_address, library.bid.document.mediator_public_key.hex()):
        assert caller.query(bob, "review", mediator=who) == [], "the mediator's key stands in the bid"


@pytest.mark.parametrize("query", ["by_job_id", "dispute"])
def test_a_job_id_brings_everything_with_it(caller: Caller, bob: Person, library: Story, query: str) -> None:
    ids = f"{library.job.document.job_id},{OTHER_ID},{library.job.document.job_id}"
    assert caller.query(bob, query, job_ids=ids) == armored(library.job, *library.documents)
    assert caller.query(bob, query, job_ids="") == []
    assert caller.query(bob, query, job_ids=OTHER_ID) == []


def test_job_ids_differ_in_case(caller: Caller, bob: Person, library: Story) -> None:
    assert caller.query(bob, "by_job_id", job_ids=library.job.document.job_id.upper()) == []


def test_ratings_of_and_by_somebody(caller: Caller, bob: Person, library: Story) -> None:
    charlie, alice, given = library.worker, library.mediator, library.offer
    of_charlie = rating(bob, given, Role.CREATOR, charlie, Role.WORKER)
    of_alice = rating(bob, given, Role.CREATOR, alice, Role.MEDIATOR)
    of_bob = rating(charlie, given, Role.WORKER, bob, Role.CREATOR)
    store(caller, bob, [of_charlie, of_alice, of_bob])
    sins = {who: secure_identity_number(who.master_address) for who in (alice, bob, charlie, person("Mallory"))}

    def asked(**who: str) -> list[str]:
        found: list[dict[str, str]] = caller.query(bob, "get_user_ratings", **who)  # type: ignore[assignment]
        assert [verify(each["value"]).id for each in found] == [each["key"] for each in found]
        return [each["value"] for each in found]

    assert asked(dest=sins[charlie], source="") == asked(dest=charlie.master_address) == armored(of_charlie)
    assert asked(source=sins[bob]) == armored(of_charlie, of_alice)
    assert asked(dest=sins[alice], source=sins[bob]) == armored(of_alice)
    assert asked(dest=sins[alice], source=sins[charlie]) == []
    assert asked(dest=sins[person("Mallory")]) == []


def test_mediators_are_current_and_willing(caller: Caller, bob: Person, library: Story) -> None:
    alice = library.mediator
    first = enroll(alice, True)
    assert caller.query(bob, "mediators") == armored(first)
    second = enroll(alice, True, previous=first.id, contact="new@example.com")
    store(caller, bob, [second])
    assert caller.query(bob, "mediators") == armored(second)
    store(caller, bob, [enroll(alice, previous=second.id)])
    assert caller.query(bob, "mediators") == []


def test_of_two_enrollments_that_nothing_replaces_the_higher_counts(caller: Caller, bob: Person) -> None:
    alice = person("Alice")
    low, high = enroll(alice, True, block_height=50), enroll(alice, True, block_height=60)
    store(caller, bob, [high, low])
    assert caller.query(bob, "mediators") == armored(high)


def test_an_enrollment_counts_again_when_the_one_that_replaced_it_is_gone(caller: Caller, bob: Person) -> None:
    alice = person("Alice")
    first = enroll(alice, True)
    second = enroll(alice, True, previous=first.id)
    store(caller, bob, [first, second])
    assert caller.put(bob, second.id, "gone").status == 201
    assert caller.query(bob, "mediators") == armored(first)


def test_nobody_replaces_the_enrollment_of_another(caller: Caller, bob: Person) -> None:
    alice = enroll(person("Alice"), True)
    mallorys = enroll(person("Mallory"), True, previous=alice.id)
    store(caller, bob, [alice, mallorys])
    assert caller.query(bob, "mediators") == armored(alice, mallorys)


def test_enrollments_of_masters_are_all_of_them(caller: Caller, bob: Person, library: Story) -> None:
    again = enroll(bob, previous=enroll(bob).id)
    store(caller, bob, [again])
    masters = f"{bob.master_address},{library.worker.master_address}"
    assert caller.query(bob, "enrollments", masters=masters) == armored(enroll(bob), enroll(library.worker), again)
    assert caller.query(bob, "enrollments", masters="") == []


def test_people_are_found_by_what_names_them(caller: Caller, bob: Person, library: Story) -> None:
    alice = library.mediator
    found = armored(enroll(alice, True))
    words = (enroll(alice).document.sin, alice.master_address, alice.delegate_address, "ALICE", "alice", alice.contact)
    for text in words:
        assert caller.query(bob, "get_user", search_input=text) == found
    for text in ("ali", "al%", "%", "_lice", "", "alice@example", alice.master_address[:-1]):
        assert caller.query(bob, "get_user", search_input=text) == []


def test_a_name_that_looks_like_an_address_is_no_trap(caller: Caller, bob: Person) -> None:
    alice, mallory = person("Alice"), person("Mallory")
    store(caller, bob, [enroll(mallory, user=alice.master_address)])
    assert caller.query(bob, "get_user", search_input=alice.master_address) == []


def test_an_old_name_is_forgotten_and_an_old_delegate_is_not(caller: Caller, bob: Person) -> None:
    alice = person("Alice")
    old = enroll(alice, user="Alys", delegate_address=person("Old").delegate_address)
    new = enroll(alice, previous=old.id)
    store(caller, bob, [old, new])
    assert caller.query(bob, "get_user", search_input="alys") == []
    assert caller.query(bob, "get_user", search_input="alice") == armored(new)
    assert caller.query(bob, "get_user", search_input=person("Old").delegate_address) == armored(old)


# ----- pages -----------------------------------------------------------------------------------------------------


def pages_of(caller: Caller, owner: Person, query: str, limit: int, **parameters: object) -> list[list[str]]:
    """Every page of an answer."""
    found: list[list[str]] = []
    after: dict[str, object] = {}
    while True:
        answer = caller.get("/query", owner=owner.master_address, query=query, limit=limit, **after, **parameters)
        assert answer.status == 200, answer.data
        found.append(answer.data[query])
        if answer.data["next"] is None:
            return found
        after = {"after": answer.data["next"]}


@pytest.fixture
def flood(caller: Caller, bob: Person, library: Story) -> Story:
    """More bids and jobs than fit on a page, all of the same Job ID, mixed with other documents."""
    bids = [bid(library.worker, library.job, description=f"bid {n}") for n in range(6)]
    jobs = [job(bob, library.mediator, description=f"job {n}") for n in range(4)]
    store(caller, bob, [bids[0], jobs[0], *bids[1:4], *jobs[1:], *bids[4:]])
    return library


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("query", "parameters", "total"),
    [
        ("bids", {}, 7),
        ("jobs", {}, 5),
        ("bids", {"creator": person("Bob").master_address}, 7),
        ("in-process", {"worker": person("Charlie").master_address}, 9),
        ("by_job_id", {"job_ids": f"{OTHER_ID},rq5n0tz3vkc8y1wd7hxa"}, 15),
        ("get_user", {"search_input": person("Bob").master_address}, 1),
    ],
)
def test_pages_hold_everything_once_in_one_order(
    caller: Caller, bob: Person, flood: Story, query: str, parameters: dict[str, str], total: int, limit: int
) -> None:
    whole = caller.query(bob, query, **parameters)
    assert len(whole) == len(set(whole)) == total
    found = pages_of(caller, bob, query, limit, **parameters)
    assert [text for page in found for text in page] == whole
    assert all(len(page) == limit for page in found[:-1])
    assert len(found) == -(-total // limit)


def test_an_answer_is_bounded_in_bytes(
    caller: Caller, bob: Person, flood: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = caller.query(bob, "bids")
    monkeypatch.setattr(pages, "MAX_ANSWER_BYTES", len(whole[0]) * 2 + 100)
    assert [len(page) for page in pages_of(caller, bob, "bids", 1000)] == [2, 2, 2, 1]
    monkeypatch.setattr(pages, "MAX_ANSWER_BYTES", 10)
    assert [text for page in pages_of(caller, bob, "bids", 1000) for text in page] == whole


def test_the_other_kind_of_network_has_nothing_here(caller: Caller, bob: Person, library: Story) -> None:
    for testnet in (1, "1", "True"):
        assert len(caller.query(bob, "jobs", testnet=testnet)) == 1
    for testnet in (0, "False"):
        assert caller.query(bob, "jobs", testnet=testnet) == []


# ----- what cannot be asked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "missing_parameter"),
        ({"query": "everything"}, "bad_parameter"),
        ({"query": ""}, "bad_parameter"),
        ({"query": "deliveries"}, "missing_parameter"),
        ({"query": "in-process"}, "missing_parameter"),
        ({"query": "review"}, "missing_parameter"),
        ({"query": "by_job_id"}, "missing_parameter"),
        ({"query": "dispute"}, "missing_parameter"),
        ({"query": "get_user"}, "missing_parameter"),
        ({"query": "enrollments"}, "missing_parameter"),
        ({"query": "deliveries", "job_creator": "%"}, "bad_parameter"),
        ({"query": "in-process", "worker": "_" * 66}, "bad_parameter"),
        ({"query": "review", "mediator": "%25"}, "bad_parameter"),
        ({"query": "review", "mediator": ""}, "bad_parameter"),
        ({"query": "by_job_id", "job_ids": "%"}, "bad_parameter"),
        ({"query": "by_job_id", "job_ids": "a,,b"}, "bad_parameter"),
        ({"query": "dispute", "job_ids": "x" * 65}, "bad_parameter"),
        ({"query": "dispute", "job_ids": ",".join(["a"] * (MAX_QUERY_ITEMS + 1))}, "bad_parameter"),
        ({"query": "enrollments", "masters": "me"}, "bad_parameter"),
        ({"query": "get_user", "search_input": "x" * 201}, "bad_parameter"),
        ({"query": "jobs", "after": "-1"}, "bad_parameter"),
        ({"query": "jobs", "after": "1.5"}, "bad_parameter"),
        ({"query": "jobs", "after": "9" * 19}, "bad_parameter"),
        ({"query": "jobs", "after": "٣"}, "bad_parameter"),
        ({"query": "jobs", "limit": "0"}, "bad_parameter"),
        ({"query": "jobs", "limit": "1001"}, "bad_parameter"),
        ({"query": "jobs", "testnet": "maybe"}, "bad_parameter"),
        ({"query": "jobs", "address": person("Mallory").master_address}, "conflicting_parameters"),
    ],
)
def test_what_cannot_be_used_is_named(
    caller: Caller, bob: Person, library: Story, parameters: dict[str, str], code: str
) -> None:
    assert caller.get("/query", owner=bob.master_address, **parameters).outcome == (400, code)


def test_the_greatest_cursor_is_the_end(caller: Caller, bob: Person, library: Story) -> None:
    assert caller.query(bob, "bids", after=2**63 - 1) == []
    assert caller.query(bob, "jobs", after=0) == []


def test_a_page_costs_a_stretch_of_an_index(server: Server, caller: Caller, bob: Person, library: Story) -> None:
    """With 5,000 documents of one Job ID, a page of three reads no more rows than it must."""
    columns = [
        str(name)
        for (name,) in server.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'document' "
            "AND table_schema = 'public' AND column_name NOT IN ('seq', 'id')"
        )
    ]
    listed = ", ".join(columns)
    server.rows(
        f"INSERT INTO document (seq, id, {listed}) SELECT seq + 1000 * n, md5(n::text || id), {listed} "
        "FROM document, generate_series(1, 1000) AS n WHERE kind <> 'enrollment'"
    )
    server.rows("ANALYZE document")
    for query, parameters in (
        ("jobs", {}),
        ("bids", {"creator": bob.master_address, "after": "10"}),
        ("by_job_id", {"job_ids": f"{OTHER_ID},{library.job.document.job_id}"}),
        ("in-process", {"worker": library.worker.master_address}),
    ):
        server.rows("SELECT pg_stat_reset()")
        before = _rows_read(server)
        answer = caller.get("/query", owner=bob.master_address, query=query, limit=3, **parameters)
        assert len(answer.data[query]) == 3
        assert _rows_read(server) - before < 500, query


def _rows_read(server: Server) -> int:
    server.rows("SELECT pg_stat_force_next_flush()")
    return int(
        str(server.value("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'document'"))
    )


def test_offers_and_deliveries_of_a_hostile_flood_do_not_hide_others(caller: Caller, bob: Person, flood: Story) -> None:
    late = delivery(flood.worker, offer(bob, flood.bid, flood.job, block_height=200))
    store(caller, bob, [late])
    assert pages_of(caller, bob, "deliveries", 1, job_creator=bob.master_address)[-1] == [late.armored]
