"""POST /put and GET /get: what is stored, for whom, and once."""

from __future__ import annotations

import json

import pytest

from causeway.auth.nonces import LIFETIME_S
from rein.protocol.values import Revocation
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.legacy_requests import sign_put
from tests.support.people import Person, Story, enroll, person, respelled

KEY = "K3YBOFBOB0123456789ABCDEFGHIJKLM"


def test_a_value_comes_back_as_it_was_sent(caller: Caller, bob: Person) -> None:
    value = 'Zoë\n"quoted" \\ \t \u2028 \U0001f4a3 ' + "x" * 1000
    answer = caller.put(bob, KEY, value)
    assert answer.status == 201
    assert answer.data["result"] == "success"
    found = caller.get("/get", key=KEY)
    assert (found.status, found.data["key"], found.data["value"]) == (200, KEY, value)


def test_every_answer_brings_a_fresh_nonce(caller: Caller, bob: Person) -> None:
    nonce = caller.nonce(bob)
    for number in range(3):
        answer = caller.put(bob, f"key{number}", "value", nonce=nonce)
        assert answer.status == 201
        assert answer.data["nonce"] != nonce
        nonce = answer.data["nonce"]


def test_answers_are_indented_by_four(caller: Caller) -> None:
    assert caller.http.get("/get?key=none").text.startswith('{\n    "status": ')


def test_an_unknown_key_is_not_found(caller: Caller) -> None:
    answer = caller.get("/get", key="none")
    assert answer.outcome == (404, "key_not_found")
    assert answer.data["error"] == "Key not found."


def test_the_readmes_names_are_accepted(caller: Caller, bob: Person) -> None:
    body = caller.put_body(bob, KEY, "value", address=bob.master_address)
    del body["owner"], body["signature_address"]
    assert caller.post("/put", body).status == 201


def test_names_that_contradict_each_other_are_refused(caller: Caller, bob: Person) -> None:
    answer = caller.put(bob, KEY, "value", address=person("Mallory").master_address)
    assert answer.outcome == (400, "conflicting_parameters")


# ----- who may write ---------------------------------------------------------------------------------------------


def test_nobody_overwrites_the_key_of_another(caller: Caller, bob: Person, mallory: Person) -> None:
    """S1 of the server of 2016: any key could overwrite any other's values."""
    assert caller.put(bob, KEY, "Bob's").status == 201
    assert caller.put(bob, KEY, "Mallory's", by=mallory.master).outcome == (403, "not_delegate")
    assert caller.put(mallory, KEY, "Mallory's").outcome == (403, "key_taken")
    assert caller.put(mallory, KEY, "Mallory's", owner=bob.master_address).code == "bad_nonce"
    assert caller.stored(KEY) == "Bob's"


def test_an_owner_overwrites_its_own(caller: Caller, bob: Person) -> None:
    for value in ("first", "second"):
        assert caller.put(bob, KEY, value).status == 201
    assert caller.stored(KEY) == "second"


def test_the_delegate_that_was_named_on_request_proves_nothing(caller: Caller, bob: Person) -> None:
    assert caller.put(bob, KEY, "value", by=bob.delegate).outcome == (403, "not_delegate")


@pytest.mark.parametrize("revocation_first", [True, False])
def test_a_revoked_delegate_writes_nothing_whatever_else_names_it(
    caller: Caller, bob: Person, revocation_first: bool
) -> None:
    """The two enrollments replace nothing: Bob had lost his database. The height is for documents, not for requests."""
    thief = person("Thief")
    lost = enroll(bob, delegate_address=thief.delegate_address)
    revoking = enroll(bob, revoked=(Revocation(thief.delegate_address, 2_000_000),))
    both = [("lost", lost), ("revoking", revoking)]
    for key, enrollment in both[::-1] if revocation_first else both:
        assert caller.put(bob, key, enrollment).status == 201
    assert caller.put(bob, KEY, "value", by=thief.delegate).outcome == (403, "not_delegate")
    again = enroll(bob, delegate_address=thief.delegate_address, block_height=900)
    assert caller.put(bob, "again", again, by=thief.delegate).outcome == (403, "not_delegate")
    assert caller.put(bob, KEY, "value", by=bob.delegate).status == 201


def test_nobody_revokes_the_delegate_of_another(caller: Caller, bob: Person, mallory: Person) -> None:
    assert caller.put(bob, "bob", enroll(bob)).status == 201
    hostile = enroll(mallory, revoked=(Revocation(bob.delegate_address, 0),))
    assert caller.put(mallory, "mallory", hostile).status == 201
    assert caller.put(bob, KEY, "value", by=bob.delegate).status == 201


def test_a_delegate_is_proven_by_a_stored_enrollment(caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "enrollment", enroll(bob)).status == 201
    assert caller.put(bob, KEY, "value", by=bob.delegate).status == 201
    assert caller.put(bob, KEY, "other", by=person("Mallory").delegate).code == "not_delegate"


def test_a_delegate_is_proven_by_the_enrollment_it_stores(caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "enrollment", enroll(bob), by=bob.delegate).status == 201
    assert caller.put(bob, KEY, "value", by=bob.delegate).status == 201


def test_an_enrollment_stored_by_somebody_else_proves_as_much(caller: Caller, bob: Person, mallory: Person) -> None:
    """It is signed by the owner's master key: who keeps it does not matter."""
    assert caller.put(mallory, "enrollment", enroll(bob)).status == 201
    assert caller.put(bob, KEY, "value", by=bob.delegate).status == 201


def test_an_enrollment_proves_nothing_for_another_owner(caller: Caller, bob: Person, mallory: Person) -> None:
    by_mallory = enroll(mallory)
    assert caller.put(bob, "enrollment", by_mallory, by=mallory.delegate).outcome == (403, "not_delegate")
    assert caller.put(mallory, "enrollment", by_mallory).status == 201
    assert caller.put(bob, KEY, "value", by=mallory.delegate).outcome == (403, "not_delegate")


def test_a_replaced_enrollment_proves_nothing_any_more(caller: Caller, bob: Person) -> None:
    """A delegate whose key was stolen must not be able to write for ever."""
    thief = person("Thief")
    lost = enroll(bob, delegate_address=thief.delegate_address)
    assert caller.put(bob, "lost", lost, by=thief.delegate).status == 201
    assert caller.put(bob, "found", enroll(bob, previous=lost.id)).status == 201
    assert caller.put(bob, KEY, "value", by=thief.delegate).outcome == (403, "not_delegate")
    assert caller.put(bob, "again", lost, by=thief.delegate).outcome == (403, "not_delegate")
    assert caller.put(bob, KEY, "value", by=bob.delegate).status == 201


def test_a_stranger_cannot_replace_an_enrollment(caller: Caller, bob: Person, mallory: Person) -> None:
    mine = enroll(bob)
    assert caller.put(bob, "enrollment", mine).status == 201
    assert caller.put(mallory, "enrollment of Mallory", enroll(mallory, previous=mine.id)).code == "bad_parameter"
    assert caller.put(mallory, "enrollment-of-Mallory", enroll(mallory, previous=mine.id)).status == 201
    assert caller.put(bob, KEY, "value", by=bob.delegate).status == 201


def test_an_enrollment_that_is_overwritten_proves_nothing_any_more(caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "enrollment", enroll(bob)).status == 201
    assert caller.put(bob, "enrollment", "gone").status == 201
    assert caller.put(bob, KEY, "value", by=bob.delegate).outcome == (403, "not_delegate")


def test_an_unknown_owner_is_named(caller: Caller, server: Server) -> None:
    stranger = person("Eve")
    nonce = server.mint().make(stranger.master_address)
    answer = caller.put(stranger, KEY, "value", nonce=nonce)
    assert answer.outcome == (403, "unknown_owner")
    assert answer.data["error"] == "User not found"


# ----- nonces and signatures -------------------------------------------------------------------------------------


def test_a_put_is_served_once(caller: Caller, bob: Person) -> None:
    first = caller.put_body(bob, KEY, "first")
    assert caller.post("/put", first).status == 201
    assert caller.put(bob, KEY, "second").status == 201
    answer = caller.post("/put", first)
    assert answer.outcome == (401, "nonce_used")
    assert answer.data["error"] == "Bad nonce"
    assert caller.stored(KEY) == "second"


def test_a_nonce_is_good_once_for_each_key(caller: Caller, bob: Person) -> None:
    nonce = caller.nonce(bob)
    assert [caller.put(bob, key, "value", nonce=nonce).status for key in "ABC"] == [201, 201, 201]
    assert caller.put(bob, "A", "other", nonce=nonce).outcome == (401, "nonce_used")


def test_the_twin_of_a_served_signature_is_refused(caller: Caller, bob: Person, deal: Story) -> None:
    """(r, n - s) verifies as (r, s) does, so a signature must not be what is remembered."""
    served = caller.put_body(bob, KEY, "value")
    assert caller.post("/put", served).status == 201
    twin = respelled(
        f"-----BEGIN BITCOIN SIGNED MESSAGE-----\n.\n-----BEGIN SIGNATURE-----\n{bob.master_address}\n"
        f"{served['signature']}\n-----END BITCOIN SIGNED MESSAGE-----"
    ).split("\n")[-2]
    assert twin != served["signature"]
    assert caller.post("/put", {**served, "signature": twin}).outcome == (401, "nonce_used")


def test_the_border_between_key_and_value_cannot_be_moved(caller: Caller, bob: Person) -> None:
    """What is signed has no separators; the signature of one put must not serve for another key."""
    served = caller.put_body(bob, "ABCD", "EFGH")
    assert caller.post("/put", served).status == 201
    for key, value in (("ABC", "DEFGH"), ("ABCDE", "FGH")):
        assert caller.post("/put", {**served, "key": key, "value": value}).outcome == (401, "nonce_used")
    assert caller.stored("ABC") is None


def test_a_nonce_of_another_owner_is_refused(caller: Caller, bob: Person, mallory: Person) -> None:
    answer = caller.put(bob, KEY, "value", nonce=caller.nonce(mallory))
    assert answer.outcome == (401, "bad_nonce")


@pytest.mark.parametrize("nonce", ["0" * 32, "not a nonce", "F" * 32, "6" * 31, "é" * 32])
def test_a_forged_nonce_is_refused(caller: Caller, bob: Person, nonce: str) -> None:
    assert caller.put(bob, KEY, "value", nonce=nonce).outcome == (401, "bad_nonce")


@pytest.mark.parametrize("seconds_ago", [LIFETIME_S + 5, -60])
def test_a_nonce_of_another_time_is_refused(caller: Caller, server: Server, bob: Person, seconds_ago: float) -> None:
    nonce = server.mint(seconds_ago).make(bob.master_address)
    assert caller.put(bob, KEY, "value", nonce=nonce).outcome == (401, "nonce_expired")


def test_a_nonce_is_spent_only_by_what_is_stored(caller: Caller, server: Server, bob: Person, mallory: Person) -> None:
    """A forger must not be able to burn what an owner is about to use."""
    nonce = caller.nonce(bob)
    refused = [
        caller.put(bob, KEY, "value", nonce=nonce, signature="x" * 88),
        caller.put(bob, KEY, "value", nonce=nonce, by=mallory.master),
        caller.put(bob, KEY, "-----BEGIN BITCOIN SIGNED MESSAGE-----", nonce=nonce),
        caller.put(bob, KEY, "x" * 200_000, nonce=nonce, signature_address=mallory.master_address),
    ]
    assert all(answer.status >= 400 for answer in refused)
    assert server.value("SELECT count(*) FROM nonce_use") == 0
    assert caller.put(bob, KEY, "value", nonce=nonce).status == 201


def test_a_signature_is_for_its_own_request(caller: Caller, bob: Person) -> None:
    body = caller.put_body(bob, KEY, "value")
    for change in ({"value": "other"}, {"key": "OTHER"}, {"signature": "", "value": "x"}, {"signature": "=" * 88}):
        answer = caller.post("/put", {**body, **change})
        assert answer.outcome == (401, "incorrect_signature")
        assert answer.data["error"] == "Incorrect signature"
    assert caller.post("/put", {**body, "nonce": caller.nonce(bob)}).code == "incorrect_signature"


def test_a_signature_for_one_server_is_no_good_at_another(caller: Caller, bob: Person, mainnet_server: Server) -> None:
    elsewhere = mainnet_server.caller()
    elsewhere.register(bob)
    body = caller.put_body(bob, KEY, "value")
    assert elsewhere.post("/put", body).outcome == (401, "bad_nonce")
    assert caller.post("/put", body).status == 201


# ----- documents -------------------------------------------------------------------------------------------------


def test_a_document_is_indexed_with_what_it_says(server: Server, caller: Caller, bob: Person, deal: Story) -> None:
    posted = deal.job.document
    assert caller.put(bob, KEY, deal.job).status == 201
    columns = "id, kind, legacy, network, title, job_id, order_id, author, signer, creator_key, mediator_address, tags"
    assert server.rows(f"SELECT {columns}, expires, block_height, size, armored FROM document") == [
        (
            deal.job.id,
            "job",
            False,
            "regtest",
            posted.name,
            posted.job_id,
            deal.job.id,
            bob.master_address,
            bob.delegate_address,
            posted.creator_public_key.hex(),
            deal.mediator.master_address,
            list(posted.tags or ()),
            posted.expires,
            posted.block_height,
            len(deal.job.armored.encode()),
            deal.job.armored,
        )
    ]


def test_every_kind_of_document_is_indexed(server: Server, caller: Caller, bob: Person, deal: Story) -> None:
    documents = (enroll(deal.mediator, True), deal.job, *deal.documents)
    nonce = caller.nonce(bob)
    for number, document in enumerate(documents):
        assert caller.put(bob, f"key{number}", document, nonce=nonce).status == 201
    kinds = [kind for (kind,) in server.rows("SELECT kind FROM document ORDER BY seq")]
    assert kinds == ["enrollment", "job", "bid", "offer", "delivery", "accept"]
    assert server.rows("SELECT DISTINCT order_id FROM document WHERE kind NOT IN ('enrollment')") == [(deal.job.id,)]


def test_a_text_that_only_looks_like_a_document_is_none(server: Server, caller: Caller, bob: Person) -> None:
    """S6 of 2016: any text with the line "Rein Job" was a job."""
    value = f"Look:\nRein Job\nJob ID: {'a' * 20}\nWilling to mediate: True\n"
    assert caller.put(bob, KEY, value).status == 201
    assert caller.stored(KEY) == value
    assert server.value("SELECT count(*) FROM document") == 0
    for query in ("jobs", "mediators"):
        assert caller.query(bob, query) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("A Software Widget", "B Software Widget"), "bad_signature"),
        (lambda text: text.replace("Job name: ", "Job title: "), "bad_signature"),
        (lambda text: text[:-10], "bad_armor"),
        (lambda text: text + "\nmore", "bad_armor"),
        (lambda text: text.replace("\n", "\r\n"), "bad_armor"),
        (lambda text: text + "\n" + text, "bad_armor"),
        (lambda text: text.split("\n")[0] + "x" * 70_000, "too_large"),
    ],
)
def test_a_document_that_does_not_verify_is_refused(
    server: Server, caller: Caller, bob: Person, deal: Story, change: object, code: str
) -> None:
    assert callable(change)
    assert caller.put(bob, KEY, change(deal.job.armored)).outcome == (422, code)
    assert server.value("SELECT count(*) FROM kv") == 0


def test_a_document_of_another_network_is_refused(
    caller: Caller, bob: Person, deal: Story, mainnet_server: Server
) -> None:
    from rein.btc.networks import MAINNET
    from tests.support.people import story

    abroad = mainnet_server.caller()
    bob_abroad = person("Bob", MAINNET)
    abroad.register(bob_abroad)
    for testnet in (0, 1):
        assert caller.put(bob, KEY, story(MAINNET).job, testnet=testnet).outcome == (422, "wrong_network")
        assert abroad.put(bob_abroad, KEY, deal.job, testnet=testnet).outcome == (422, "wrong_network")
    assert abroad.put(bob_abroad, KEY, story(MAINNET).job).status == 201


def test_the_same_document_of_two_owners_is_one(
    server: Server, caller: Caller, bob: Person, mallory: Person, deal: Story
) -> None:
    assert caller.put(bob, "of-Bob", deal.job).status == 201
    assert caller.put(mallory, "of-Mallory", deal.job).status == 201
    assert server.value("SELECT count(*) FROM document") == 1
    assert server.value("SELECT count(*) FROM kv") == 2
    assert caller.query(bob, "jobs") == [deal.job.armored]


def test_the_first_spelling_of_a_signature_is_the_one_that_is_served(
    server: Server, caller: Caller, bob: Person, mallory: Person, deal: Story
) -> None:
    twin = respelled(deal.job.armored)
    assert caller.put(bob, "of-Bob", deal.job).status == 201
    assert caller.put(mallory, "of-Mallory", twin).status == 201
    assert server.value("SELECT count(*) FROM document") == 1
    assert caller.query(bob, "jobs") == [deal.job.armored]
    assert caller.stored("of-Mallory") == twin


def test_a_document_goes_with_its_last_copy(
    server: Server, caller: Caller, bob: Person, mallory: Person, deal: Story
) -> None:
    assert caller.put(bob, "one", deal.job).status == 201
    assert caller.put(mallory, "two", deal.job).status == 201
    assert caller.put(bob, "one", deal.bid).status == 201
    assert {kind for (kind,) in server.rows("SELECT kind FROM document")} == {"job", "bid"}
    assert caller.put(mallory, "two", "nothing").status == 201
    assert {kind for (kind,) in server.rows("SELECT kind FROM document")} == {"bid"}


def test_a_document_may_be_stored_again_in_its_place(server: Server, caller: Caller, bob: Person, deal: Story) -> None:
    for _ in range(2):
        assert caller.put(bob, KEY, deal.job).status == 201
    assert server.value("SELECT count(*) FROM document") == 1


def test_numbers_of_documents_only_grow(server: Server, caller: Caller, bob: Person, deal: Story) -> None:
    for number, document in enumerate((deal.job, deal.bid, deal.job, deal.offer)):
        assert caller.put(bob, f"key{number}", document).status == 201
    assert [kind for (kind,) in server.rows("SELECT kind FROM document ORDER BY seq")] == ["job", "bid", "offer"]


def test_a_put_says_what_it_signs(bob: Person) -> None:
    """The text of 2016, which must never change: key, value, address and nonce without anything between."""
    from rein.btc import message

    signature = sign_put(bob.delegate, "k", "v", bob.delegate_address, "0" * 32)
    assert message.verify(bob.delegate_address, "kv" + bob.delegate_address + "0" * 32, signature)


def test_a_body_is_read_as_utf_8(caller: Caller, bob: Person) -> None:
    body = json.dumps(caller.put_body(bob, KEY, "Zoë"), ensure_ascii=False).encode()
    answer = caller.http.post("/put", data=body, content_type="application/json; charset=utf-8")
    assert answer.status_code == 201
    assert caller.stored(KEY) == "Zoë"
