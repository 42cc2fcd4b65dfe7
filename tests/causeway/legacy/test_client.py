"""The requests of an unmodified client of 2016, one after the other, as its `request`, `sync` and `post` make them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from rein.btc import message
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET
from rein.protocol.sin import secure_identity_number
from tests.causeway.conftest import Server
from tests.support import legacy_documents as old
from tests.support.people import Person, armored, person

BOB = person("Bob", MAINNET)
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def http(mainnet_server: Server) -> FlaskClient:
    return mainnet_server.app.test_client()


def enrollment_of(who: Person) -> str:
    """An enrollment in the words of 2016, with the line feed at its end that they had."""
    text = "\n".join(
        (
            "Rein User Enrollment",
            f"User: {who.name}",
            f"Contact: {who.contact}",
            f"Master signing address: {who.master_address}",
            f"Delegate signing address: {who.delegate_address}",
            "Willing to mediate: True",
            f"Mediator public key: {who.delegate.public_key.hex()}",
            "Mediator fee: 1.0%",
        )
    )
    return armored(text, who.master, MAINNET) + "\n"


def put(http: FlaskClient, key: str, value: str, nonce: str, delegate: PrivateKey = BOB.delegate) -> Any:
    signed = key + value + BOB.delegate_address + nonce
    body = {
        "key": key,
        "value": value,
        "nonce": nonce,
        "signature": message.sign(delegate, signed),
        "signature_address": BOB.delegate_address,
        "owner": BOB.master_address,
        "testnet": 0,
    }
    return http.post("/put", data=json.dumps(body), headers=JSON)


def test_a_whole_sync(http: FlaskClient) -> None:
    asked = http.get(f"/request?owner={BOB.master_address}&delegate={BOB.delegate_address}&contact=bob@example.com")
    assert asked.status_code == 200
    for bucket in json.loads(asked.text)["buckets"]:
        assert int(bucket["bytes_free"]) > 0
        assert bucket["created"]
        assert bucket["id"]

    nonce = http.get(f"/nonce?address={BOB.master_address}").get_json()["nonce"]
    documents = {"E" * 32: enrollment_of(BOB), "J" * 32: old.JOB, "B" * 32: old.BID}
    for key, value in documents.items():
        assert http.get(f"/get?key={key}").status_code == 404
        answer = put(http, key, value, nonce)
        assert answer.status_code == 201, answer.text
        assert answer.get_json()["result"] == "success"
    cleared = http.get(f"/nonce?address={BOB.master_address}&clear={nonce}")
    assert cleared.get_json()["nonce"] == ""

    for key, value in documents.items():
        found = http.get(f"/get?key={key}").get_json()["value"]
        assert hashlib.sha256(found.encode()).hexdigest() == hashlib.sha256(value.encode()).hexdigest()

    def query(parameters: str) -> Any:
        answer = http.get(f"/query?owner={BOB.master_address}&{parameters}&testnet=False")
        assert answer.status_code == 200
        return answer.get_json()

    assert query("query=mediators")["mediators"] == [documents["E" * 32]]
    assert query("query=jobs")["jobs"] == [old.JOB]
    assert query("query=bids")["bids"] == [old.BID]
    assert query("query=by_job_id&job_ids=fyzfrxtrttcv8o04oj53")["by_job_id"] == [old.JOB, old.BID]
    assert query(f"query=in-process&worker={'02' + 'ab' * 32}")["in-process"] == []
    assert query("query=jobs")["block_info"] is None
    others = {
        "review": f"mediator={'02' + 'ab' * 32}",
        "deliveries": f"job_creator={'02' + 'ab' * 32}",
        "dispute": "job_ids=zzzzzzzzzzzzzzzzzzzz",
        "get_user_ratings": f"dest={secure_identity_number(BOB.master_address)}&source=",
        "get_user_name": f"msin={secure_identity_number(BOB.master_address)}",
    }
    for kind, parameters in others.items():
        assert query(f"query={kind}&delegate={BOB.delegate_address}&{parameters}")[kind] == []
    assert query(f"query=get_user&search_input={BOB.name}")["get_user"] == [documents["E" * 32]]

    fresh = http.get(f"/nonce?address={BOB.master_address}").get_json()["nonce"]
    gone = {
        "key": "B" * 32,
        "address": BOB.master_address,
        "nonce": fresh,
        "signature": message.sign(BOB.master, "B" * 32 + BOB.master_address + fresh),
    }
    assert http.post("/delete", data=json.dumps(gone), headers=JSON).status_code == 200
    assert http.get(f"/get?key={'B' * 32}").status_code == 404
    assert query("query=bids")["bids"] == []


def test_what_it_reads_of_the_server_itself(http: FlaskClient) -> None:
    assert {"/get", "/query", "/request"} <= set(http.get("/info").get_json())
    assert http.get("/price").get_json()["price"] == 0
    status = http.get("/status").get_json()
    assert all(isinstance(status[name], str) for name in ("uptime", "stored", "free", "price"))
    for path in ("/", "/help", "/info", "/price", "/status"):
        assert "\n    " in http.get(path).text, "JSON indented by four"


def test_the_fifth_request_still_lists_the_buckets(http: FlaskClient) -> None:
    for _ in range(5):
        answer = http.get(f"/request?owner={BOB.master_address}&delegate={BOB.delegate_address}&contact=x")
    assert answer.status_code == 200
    data = json.loads(answer.text)
    assert (data["result"], data["message"]) == ("error", "Maximum free buckets granted")
    assert len(data["buckets"]) == 4


def test_errors_are_where_it_looks_for_them(http: FlaskClient) -> None:
    http.get(f"/request?owner={BOB.master_address}")
    refused = put(http, "K" * 32, "value", "0" * 32)
    assert (refused.status_code, refused.get_json()["error"]) == (401, "Bad nonce")
    unread = http.post("/put", data="{not json", headers=JSON)
    assert (unread.status_code, unread.get_json()["error"]) == (400, "JSON Decode failed")
    missing = http.get("/get?key=none")
    assert (missing.status_code, missing.get_json()["error"]) == (404, "Key not found.")
