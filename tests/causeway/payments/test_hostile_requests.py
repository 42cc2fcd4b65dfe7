"""What strangers send where money is: each has a named error, and nothing is bought, opened or shown."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from causeway.auth.nonces import LIFETIME_S
from causeway.legacy.texts import balance_text
from rein.btc import message
from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.protocol.auth import NONCE_HEADER, SIGNATURE_HEADER
from tests.causeway.callers_v1 import Caller
from tests.causeway.conftest import Server
from tests.causeway.paid_server import PRICE, PaidServer
from tests.causeway.v1.test_gate import twin
from tests.support.people import person

BOB, MALLORY = person("Bob"), person("Mallory")
BODY = json.dumps({"price_sat": int(PRICE)}).encode()


@pytest.fixture
def shop(server: Server) -> Iterator[PaidServer]:
    """Bob has money for two buckets. Nobody asks the chain."""
    shop = PaidServer(server, CoreRpc("http://127.0.0.1:1", REGTEST))
    for who in (BOB, MALLORY):
        server.rows("INSERT INTO owner (address) VALUES (:o)", o=who.master_address)
    line = "INSERT INTO ledger (transaction_id, account, owner, amount_sat, memo) VALUES "
    server.rows(line + "(1, 'owner', :o, :s, ''), (1, 'deposits', NULL, -:s, '')", o=BOB.master_address, s=2 * PRICE)
    yield shop
    left = 2 * PRICE - bought(shop) * PRICE
    assert server.value("SELECT sum(amount_sat) FROM ledger WHERE owner = :o", o=BOB.master_address) == left


@pytest.fixture
def v1(shop: PaidServer) -> Caller:
    return Caller(shop.app.test_client())


def bought(shop: PaidServer) -> int:
    return shop.buckets(BOB) + shop.buckets(MALLORY)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"[]", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"price_sat": NaN}', "bad_json"),
        (b'{"price_sat": "\xff"}', "bad_json"),
        (b"{}", "missing_parameter"),
        (b'{"price_sat": null}', "missing_parameter"),
        (b'{"price_sat": 10000, "price_sat": 10000}', "bad_request"),
        *((b'{"price_sat": %s}' % each, "bad_parameter") for each in (b"true", b"1e4", b"10000.0", b"-1", b"0", b"[]")),
        *((b'{"price_sat": %s}' % each, "bad_parameter") for each in (b"{}", b'"%"', b'"1\\u0000"', b'"\\ud800"')),
        (b'{"price_sat": ' + b"9" * 400 + b"}", "bad_parameter"),
    ],
)
def test_a_purchase_that_cannot_be_read_buys_nothing(shop: PaidServer, v1: Caller, body: bytes, code: str) -> None:
    assert v1.post("/buy", body, v1.headers(BOB, "/buy", body)).outcome == (400, code)
    assert bought(shop) == 0


def test_a_purchase_is_the_owners_own_fresh_and_served_once(shop: PaidServer, v1: Caller, server: Server) -> None:
    old = server.mint(seconds_ago=LIFETIME_S + 5).make(BOB.master_address)
    assert v1.post("/buy", BODY, v1.headers(BOB, "/buy", BODY, nonce=old)).outcome == (401, "nonce_expired")
    foreign = v1.nonce(MALLORY)
    assert v1.post("/buy", BODY, v1.headers(BOB, "/buy", BODY, nonce=foreign)).outcome == (401, "bad_nonce")
    stolen = v1.headers(BOB, "/buy", BODY, by=MALLORY.master)
    assert v1.post("/buy", BODY, stolen).outcome == (403, "not_delegate")
    wrong = {**v1.headers(BOB, "/buy", BODY), NONCE_HEADER: v1.nonce(BOB)}
    assert v1.post("/buy", BODY, wrong).outcome == (401, "incorrect_signature")
    assert bought(shop) == 0
    headers = v1.headers(BOB, "/buy", BODY)
    assert v1.post("/buy", BODY, headers).status == 200
    assert v1.post("/buy", BODY, {**headers, SIGNATURE_HEADER: twin(headers[SIGNATURE_HEADER])}).code == "nonce_used"
    assert v1.post("/buy", BODY, headers).code == "nonce_used"
    assert bought(shop) == 1


@pytest.mark.parametrize("path", ["/balance", "/address", "/buy"])
@pytest.mark.parametrize("name", ["address", "nonce", "signature", "signature_address", "contact"])
@pytest.mark.parametrize("value", ["", "%", "_", "a\x00b", "x" * 50_000, "1" * 34])
def test_a_parameter_that_cannot_be_used_is_named(shop: PaidServer, path: str, name: str, value: str) -> None:
    nonce = shop.caller.nonce(MALLORY)
    signature = message.sign(MALLORY.master, balance_text(MALLORY.master_address, nonce))
    asked = {"address": MALLORY.master_address, "nonce": nonce, "signature": signature, "contact": "x"}
    answer = shop.caller.get(path, **{**asked, name: value})
    assert answer.status < 500
    if answer.status >= 400:
        assert answer.code in ("bad_parameter", "missing_parameter", "bad_nonce", "incorrect_signature", "url_too_long")
    assert bought(shop) == 0


def test_a_parameter_that_stands_twice_is_named(shop: PaidServer) -> None:
    twice = f"address={BOB.master_address}&address={MALLORY.master_address}"
    for path in ("/balance", "/address", "/buy", "/request"):
        answer = shop.caller.read(shop.caller.http.get(f"{path}?{twice}"))
        assert answer.outcome == (400, "bad_request")
        contradicted = f"address={BOB.master_address}&owner={MALLORY.master_address}&contact=x&signature=x&nonce=x"
        answer = shop.caller.read(shop.caller.http.get(f"{path}?{contradicted}"))
        assert answer.outcome == (400, "conflicting_parameters")


def test_the_twin_of_a_balance_request_is_not_served_again(shop: PaidServer) -> None:
    nonce = shop.caller.nonce(BOB)
    signature = message.sign(BOB.master, balance_text(BOB.master_address, nonce))
    asked = {"address": BOB.master_address, "nonce": nonce}
    assert shop.caller.get("/balance", **asked, signature=signature).data["balance"] == 2 * PRICE
    assert shop.caller.get("/balance", **asked, signature=twin(signature)).outcome == (401, "nonce_used")
