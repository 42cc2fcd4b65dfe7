"""Who may ask what of the versioned API: signatures over the whole request, nonces that are good once."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from causeway.app import create_app
from causeway.auth.nonces import LIFETIME_S
from rein.protocol.auth import SIGNATURE_HEADER, request_text
from tests.causeway.callers_v1 import HERE, Caller
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller as OldCaller
from tests.support.people import Person, person

BODY = json.dumps({"values": [{"key": "k", "value": "v"}]}).encode()
HEADERS = ("Rein-Owner", "Rein-Signer", "Rein-Nonce", "Rein-Signature")
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def nothing_happened(server: Server) -> bool:
    return [server.value(f"SELECT count(*) FROM {table}") for table in ("kv", "nonce_use")] == [0, 0]


def twin(signature: str) -> str:
    """The other spelling of a signature: (r, n - s)."""
    data = b64decode(signature)
    s = ORDER - int.from_bytes(data[33:], "big")
    return b64encode(bytes([31 + ((data[0] - 31) ^ 1)]) + data[1:33] + s.to_bytes(32, "big")).decode()


@pytest.mark.parametrize("server_name", [HERE, "http://localhost:2016"])
def test_a_signed_request_is_served_once(server: Server, v1: Caller, bob: Person, server_name: str) -> None:
    headers = v1.headers(bob, "/put", BODY, server=server_name)
    assert v1.post("/put", BODY, headers).data == {"verdicts": [{"key": "k", "stored": True}]}
    assert v1.post("/put", BODY, headers).outcome == (401, "nonce_used")
    flipped = {**headers, SIGNATURE_HEADER: twin(headers[SIGNATURE_HEADER])}
    assert v1.post("/put", BODY, flipped).outcome == (401, "nonce_used")
    assert server.value("SELECT count(*) FROM nonce_use") == 1


def test_the_twin_of_a_signature_is_a_signature_and_spends_the_same_nonce(v1: Caller, bob: Person) -> None:
    headers = v1.headers(bob, "/put", BODY)
    flipped = {**headers, SIGNATURE_HEADER: twin(headers[SIGNATURE_HEADER])}
    assert v1.post("/put", BODY, flipped).status == 200
    assert v1.post("/put", BODY, headers).outcome == (401, "nonce_used")


def test_a_nonce_is_good_for_one_request(v1: Caller, bob: Person) -> None:
    nonce = v1.nonce(bob)
    assert v1.signed(bob, "/put", {"values": [{"key": "a", "value": "x"}]}, nonce=nonce).status == 200
    assert v1.signed(bob, "/put", {"values": [{"key": "b", "value": "x"}]}, nonce=nonce).outcome == (401, "nonce_used")
    assert v1.signed(bob, "/delete", {"keys": ["a"]}, nonce=nonce).outcome == (401, "nonce_used")


def test_the_same_request_at_once_is_served_once(server: Server, v1: Caller, bob: Person) -> None:
    headers = v1.headers(bob, "/put", BODY)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: Caller(server.app.test_client()).post("/put", BODY, headers), range(6)))
    assert sorted(each.outcome for each in found if each.status != 200) == [(401, "nonce_used")] * 5


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"server": "http://127.0.0.1:2017"},
        {"server": "https://127.0.0.1:2016"},
        {"server": "https://causeway.example"},
        {"path_and_query": "/v1/delete"},
        {"path_and_query": "/v1/put?x=1"},
        {"body_sha256": "0" * 64},
    ],
)
def test_every_part_of_the_request_is_signed(server: Server, v1: Caller, bob: Person, changed: dict[str, str]) -> None:
    assert v1.post("/put", BODY, v1.headers(bob, "/put", BODY, **changed)).outcome == (401, "incorrect_signature")
    assert nothing_happened(server)


def test_what_is_signed_is_what_is_sent(server: Server, v1: Caller, bob: Person, mallory: Person) -> None:
    headers = v1.headers(bob, "/put", BODY)
    assert v1.post("/put", BODY + b" ", headers).outcome == (401, "incorrect_signature")
    assert v1.post("/put?x=1", BODY, headers).outcome == (401, "incorrect_signature")
    assert v1.post("/delete", BODY, headers).outcome == (401, "incorrect_signature")
    for name, value, code in (
        ("Rein-Owner", mallory.master_address, "bad_nonce"),
        ("Rein-Signer", mallory.master_address, "incorrect_signature"),
        ("Rein-Nonce", v1.nonce(bob), "incorrect_signature"),
    ):
        assert v1.post("/put", BODY, {**headers, name: value}).outcome == (401, code)
    assert v1.post("/put", BODY, v1.headers(bob, "/put", BODY, by=mallory.master)).outcome == (403, "not_delegate")
    assert nothing_happened(server)


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_is_missing_or_malformed_is_named(server: Server, v1: Caller, bob: Person, name: str) -> None:
    headers = v1.headers(bob, "/put", BODY)
    without = v1.post("/put", BODY, {each: value for each, value in headers.items() if each != name})
    assert without.outcome == (400, "missing_parameter")
    assert name in without.data["error"]["message"]
    for value in ("", "x", "é", "x" * 201, headers[name] + "," + headers[name], headers[name] + " x"):
        answer = v1.post("/put", BODY, {**headers, name: value})
        assert answer.status in (400, 401)
        assert answer.code in ("bad_parameter", "bad_nonce", "incorrect_signature")
    assert nothing_happened(server)


def test_nonces_expire_and_belong_to_one_owner(server: Server, v1: Caller, bob: Person, mallory: Person) -> None:
    old = server.mint(seconds_ago=LIFETIME_S + 5).make(bob.master_address)
    assert v1.post("/put", BODY, v1.headers(bob, "/put", BODY, nonce=old)).outcome == (401, "nonce_expired")
    hers = v1.nonce(mallory)
    assert v1.post("/put", BODY, v1.headers(bob, "/put", BODY, nonce=hers)).outcome == (401, "bad_nonce")
    assert v1.get("/nonce", owner=person("Eve").master_address).outcome == (403, "unknown_owner")
    assert nothing_happened(server)


def test_every_answer_brings_the_next_nonce(v1: Caller, bob: Person) -> None:
    first = v1.post("/put", BODY, v1.headers(bob, "/put", BODY))
    second = v1.signed(bob, "/put", {"values": "none"}, nonce=first.headers["Rein-Next-Nonce"])
    assert second.outcome == (400, "bad_parameter")
    third = v1.signed(bob, "/delete", {"keys": ["k"]}, nonce=second.headers["Rein-Next-Nonce"])
    assert third.data == {"verdicts": [{"key": "k", "deleted": True}]}
    assert "Rein-Next-Nonce" not in v1.get("/status").headers


def test_a_server_that_knows_its_name_answers_to_no_other(server: Server, bob: Person) -> None:
    """Else a request signed for another server on the same port of a tunnel could be replayed here."""
    named = create_app(replace(server.settings, public_urls=("https://causeway.example",)))
    v1 = Caller(named.test_client())
    assert v1.get("/status").data["servers"] == ["https://causeway.example"]
    assert v1.post("/put", BODY, v1.headers(bob, "/put", BODY)).outcome == (401, "incorrect_signature")
    assert v1.post("/put", BODY, v1.headers(bob, "/put", BODY, server="https://causeway.example")).status == 200


def test_a_request_must_be_declared_as_json(v1: Caller, bob: Person) -> None:
    response = v1.http.post("/v1/put", data=BODY, content_type="text/plain", headers=v1.headers(bob, "/put", BODY))
    assert v1.read(response).outcome == (415, "bad_content_type")


def test_neither_api_takes_the_signatures_of_the_other(
    server: Server, caller: OldCaller, v1: Caller, bob: Person
) -> None:
    """S6, S7: the same key signs both. A request of 2016 ends in its nonce, one of today in an address."""
    headers = v1.headers(bob, "/put", BODY)
    old = caller.put_body(bob, "k", "v", nonce=headers["Rein-Nonce"])
    assert v1.post("/put", BODY, {**headers, SIGNATURE_HEADER: str(old["signature"])}).code == "incorrect_signature"
    assert caller.post("/put", {**old, "signature": headers[SIGNATURE_HEADER]}).code == "incorrect_signature"
    text = request_text("POST", HERE, "/v1/put", "0" * 64, "0" * 32, bob.master_address, bob.master_address)
    assert re.fullmatch("[0-9a-f]{32}", text[-32:]) is None
    assert nothing_happened(server)


def test_unknown_paths_and_methods_are_named(v1: Caller) -> None:
    assert v1.get("/none").outcome == (404, "not_found")
    assert v1.get("/put").outcome == (405, "method_not_allowed")
    assert v1.post("/feed", {}).outcome == (405, "method_not_allowed")
