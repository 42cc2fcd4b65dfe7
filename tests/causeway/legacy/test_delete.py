"""POST /delete of 2016, which never worked then: who may, what it gives back, and what it cannot be confused with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from tests.causeway.conftest import Server
from tests.causeway.hosting.test_quota import used
from tests.causeway.legacy_callers import Answer, Caller
from tests.support.legacy_requests import sign_delete
from tests.support.people import Person, Story, enroll, person


def delete(
    caller: Caller,
    owner: Person,
    key: str,
    *,
    by: PrivateKey | None = None,
    nonce: str | None = None,
    changes: Mapping[str, object] | None = None,
) -> Answer:
    signer = by or owner.master
    address = p2pkh_address(signer.public_key, owner.network)
    nonce = nonce or caller.nonce(owner)
    body: dict[str, Any] = {
        "key": key,
        "owner": owner.master_address,
        "nonce": nonce,
        "signature": sign_delete(signer, key, address, nonce),
        "signature_address": address,
    }
    return caller.post("/delete", {**body, **(changes or {})})


def test_a_value_goes_and_its_bytes_come_back(server: Server, caller: Caller, bob: Person, deal: Story) -> None:
    assert caller.put(bob, "key", deal.job).status == 201
    answer = delete(caller, bob, "key")
    assert answer.outcome == (200, None)
    assert answer.data["nonce"]
    assert caller.get("/get", key="key").outcome == (404, "key_not_found")
    assert used(server, bob) == [0]
    assert caller.query(bob, "jobs") == []
    assert server.rows("SELECT document_id, owner FROM tombstone") == [(deal.job.id, bob.master_address)]


def test_as_the_readme_has_it(caller: Caller, bob: Person) -> None:
    """address, and no signature_address: the owner signs."""
    assert caller.put(bob, "key", "value").status == 201
    nonce = caller.nonce(bob)
    signature = sign_delete(bob.master, "key", bob.master_address, nonce)
    body = {"key": "key", "address": bob.master_address, "nonce": nonce, "signature": signature}
    assert caller.post("/delete", body).outcome == (200, None)


def test_only_the_owner_and_its_delegate_may(server: Server, caller: Caller, bob: Person, mallory: Person) -> None:
    assert caller.put(bob, "key", "value").status == 201
    for who in (mallory, person("Eve")):
        nonce = server.mint().make(who.master_address)
        assert delete(caller, who, "key", nonce=nonce).status in (403, 404)
    refused = delete(caller, mallory, "key")
    assert refused.outcome == (404, "key_not_found")
    assert refused.data["error"] == "Key not found or not owned by caller."
    assert delete(caller, bob, "key", by=mallory.master).outcome == (403, "not_delegate")
    assert delete(caller, bob, "key", by=bob.delegate).outcome == (403, "not_delegate")
    assert caller.stored("key") == "value"
    assert caller.put(bob, "e", enroll(bob)).status == 201
    assert delete(caller, bob, "key", by=bob.delegate).outcome == (200, None)
    assert caller.stored("key") is None


def test_what_is_not_there_spends_no_nonce(server: Server, caller: Caller, bob: Person) -> None:
    nonce = caller.nonce(bob)
    assert delete(caller, bob, "none", nonce=nonce).outcome == (404, "key_not_found")
    assert server.value("SELECT count(*) FROM nonce_use") == 0


def test_a_delete_is_served_once(caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "value").status == 201
    nonce = caller.nonce(bob)
    assert delete(caller, bob, "key", nonce=nonce).outcome == (200, None)
    assert caller.put(bob, "key", "again").status == 201
    assert delete(caller, bob, "key", nonce=nonce).outcome == (401, "nonce_used")
    assert caller.stored("key") == "again"


def test_a_put_of_an_empty_value_signs_the_same_and_is_refused(caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "value").status == 201
    assert caller.put(bob, "key", "").outcome == (400, "bad_parameter")
    body = caller.put_body(bob, "key", "")
    assert caller.post("/delete", body).outcome == (200, None)  # the same signature, but only where a delete is meant


def test_a_put_that_was_served_is_no_delete_of_another_key(caller: Caller, bob: Person) -> None:
    """The border between key and value can be moved: then it is the same signed text, which is good once."""
    assert caller.put(bob, "ab", "kept").status == 201
    body = caller.put_body(bob, "a", "b")
    assert caller.post("/put", body).status == 201
    moved = {**body, "key": "ab"}
    assert caller.post("/delete", moved).outcome == (401, "nonce_used")
    assert caller.stored("ab") == "kept"


@pytest.mark.parametrize("name", ["key", "owner", "nonce", "signature"])
@pytest.mark.parametrize("value", [None, 1, [], {}, "", "a\x00b", "\ud800", "%", "x" * 100_000])
def test_a_field_that_cannot_be_used_is_named(caller: Caller, bob: Person, name: str, value: object) -> None:
    assert caller.put(bob, "key", "value").status == 201
    answer = delete(caller, bob, "key", changes={name: value})
    assert answer.outcome in (
        (400, "bad_parameter"),
        (400, "missing_parameter"),
        (401, "bad_nonce"),
        (401, "incorrect_signature"),
    )
    assert caller.stored("key") == "value"
