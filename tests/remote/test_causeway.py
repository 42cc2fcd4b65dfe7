"""One typed method an endpoint, towards a server that lies: what comes out has the right type, or is our error."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST, Network
from rein.errors import RefusedError, RemoteError, ServerLiedError
from rein.protocol.auth import NEXT_NONCE_HEADER, verify_request
from rein.protocol.values import DocumentId
from rein.protocol.wire import MAX_BATCH, MAX_BATCH_BYTES, server_name
from rein.remote import transport
from rein.remote.causeway import Causeway, batches, remote_key
from rein.remote.responses import Hosting
from tests.remote.conftest import Answer, Request, Server, http, says
from tests.support.people import person

BOB = person("Bob")
NONCE = "0123456789abcdef" * 2
STORED = {"verdicts": [{"key": "K", "stored": True}]}
ONE = [("K" * 32, "value\n")]
Serve = Callable[..., Server]
Meet = Callable[..., tuple[Server, Causeway]]


@pytest.fixture
def meet(serve: Serve) -> Iterator[Meet]:
    """A server with an answer, and Bob's side of the conversation."""
    opened: list[Causeway] = []

    def start(answer: Answer, network: Network = REGTEST) -> tuple[Server, Causeway]:
        bob = person("Bob", network)
        server = serve(answer)
        opened.append(Causeway(server.url, network, bob.master_address, bob.delegate_address))
        return server, opened[-1]

    yield start
    for each in opened:
        each.close()


NO_NONCES = itertools.repeat("")


def by_path(nonces: Iterator[str] = NO_NONCES, **answers: Any) -> Answer:
    """Another JSON for each endpoint, named by its last part; a function is asked."""

    def answer(request: Request, client: socket.socket) -> bool:
        found = answers[request.path.rpartition("/")[2]]
        body = json.dumps(found(request) if callable(found) else found).encode()
        client.sendall(http(body, "200 OK", f"{NEXT_NONCE_HEADER}: {next(nonces)}"))
        return True

    return answer


# put and nonces


def test_a_put_signs_the_whole_request_for_this_server(meet: Meet) -> None:
    server, bob = meet(by_path(nonce={"nonce": NONCE}, put=STORED))
    assert bob.put(ONE, BOB.delegate) == [None]
    asked, put = server.requests
    assert (asked.path, asked.query) == ("v1/nonce", {"owner": BOB.master_address})
    assert put.json == {"values": [{"key": "K" * 32, "value": "value\n"}]}
    headers = put.headers
    assert (headers["rein-owner"], headers["rein-signer"]) == (BOB.master_address, BOB.delegate_address)
    assert verify_request(
        *("POST", server_name(server.url), "/v1/put", hashlib.sha256(put.body).hexdigest(), NONCE),
        *(BOB.master_address, BOB.delegate_address, headers["rein-signature"]),
    )


def test_whatever_is_signed_names_the_server_what_is_asked_and_a_nonce(meet: Meet) -> None:
    """Every conversation there is: else a server could hand what it was told to another one."""
    sold = {"price": "5", "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "buckets": [], "price_until": 9}
    money = {"price_sat": 5, "balance_sat": 7, "buckets": []}
    feed = {"documents": [], "removed": [], "next": 0, "settled": 0}
    server, bob = meet(
        by_path(
            request={"buckets": []},
            buy=lambda asked: money if asked.method == "POST" else sold,
            buckets={"buckets": []},
            status={"software": "causeway", "network": "regtest"},
            feed=feed,
            documents={"documents": [], "missing": []},
            get={"values": [{"value": "x"}]},
            nonce={"nonce": NONCE},
            put=STORED,
            balance=money,
        )
    )
    say: dict[str, Callable[[], object]] = {
        "request": lambda: bob.request("bob@example.com"),
        "buy": lambda: bob.buy("bob@example.com"),
        "buckets": bob.buckets,
        "balance": lambda: bob.balance(BOB.delegate),
        "buy_from_balance": lambda: bob.buy_from_balance(Sat(5), BOB.delegate),
        "status": bob.status,
        "feed": lambda: bob.feed(0),
        "documents": lambda: bob.documents([DocumentId("0" * 64)]),
        "get": lambda: bob.get(["K"]),
        "put": lambda: bob.put(ONE, BOB.delegate),
    }
    silent = {"close", "abort", "url"}
    assert set(say) == {name for name in dir(bob) if not name.startswith("_")} - silent, "a method is missing here"
    for each in say.values():
        each()
    signed = [request for request in server.requests if "rein-signature" in request.headers]
    assert [request.path for request in signed] == ["v1/balance", "v1/buy", "v1/put"]
    for request in signed:
        digest, headers = hashlib.sha256(request.body).hexdigest(), request.headers
        what = (request.target, digest, headers["rein-nonce"], BOB.master_address, headers["rein-signer"])
        assert verify_request("POST", server_name(server.url), *what, headers["rein-signature"])
        assert not verify_request("POST", "http://127.0.0.1", *what, headers["rein-signature"])
    # And nothing is signed by any other way: no header, parameter or body carries what looks like a signature.
    for request in server.requests:
        others = [text for name, text in request.headers.items() if name != "rein-signature"]
        assert not re.search(r"[A-Za-z0-9+/]{87}=", " ".join([request.target, request.body.decode(), *others]))


def test_the_nonce_an_answer_brings_saves_asking_for_one(meet: Meet) -> None:
    offered = (f"{number:032x}" for number in itertools.count())
    server, bob = meet(by_path(offered, nonce={"nonce": NONCE}, put=STORED))
    for _ in range(3):
        bob.put(ONE, BOB.delegate)
    assert [request.path for request in server.requests] == ["v1/nonce", "v1/put", "v1/put", "v1/put"]
    used = [request.headers["rein-nonce"] for request in server.requests[1:]]
    assert used == [NONCE, f"{1:032x}", f"{2:032x}"]


JUNK_NONCES = ["x", NONCE[:-1], NONCE + "0", NONCE.upper(), "g" * 32]


@pytest.mark.parametrize("nonce", [None, 5, [], {}, True, "", NONCE + "\n", "é" * 32, *JUNK_NONCES], ids=repr)
def test_a_nonce_that_is_none_is_not_signed(meet: Meet, nonce: object) -> None:
    server, bob = meet(by_path(nonce={"nonce": nonce}, put=STORED))
    with pytest.raises(RemoteError, match="invalid nonce"):
        bob.put(ONE, BOB.delegate)
    assert [request.path for request in server.requests] == ["v1/nonce"]


@pytest.mark.parametrize("nonce", JUNK_NONCES, ids=repr)
def test_an_offered_nonce_that_is_none_is_not_used(meet: Meet, nonce: str) -> None:
    server, bob = meet(by_path(itertools.repeat(nonce), nonce={"nonce": NONCE}, put=STORED))
    bob.put(ONE, BOB.delegate)
    bob.put(ONE, BOB.delegate)
    assert [request.path for request in server.requests] == ["v1/nonce", "v1/put"] * 2


@pytest.mark.parametrize("code", ["bad_nonce", "nonce_expired", "nonce_used"])
def test_a_kept_nonce_that_went_stale_is_replaced_once(meet: Meet, code: str) -> None:
    answers = iter([STORED, {"error": {"code": code, "message": "no"}}, STORED])
    server, bob = meet(by_path(itertools.repeat("1" * 32), nonce={"nonce": NONCE}, put=lambda _: next(answers)))
    assert bob.put(ONE, BOB.delegate) == bob.put(ONE, BOB.delegate) == [None]
    assert [request.path for request in server.requests] == ["v1/nonce", "v1/put", "v1/put", "v1/nonce", "v1/put"]


def test_a_fresh_nonce_that_is_called_stale_is_an_error(meet: Meet) -> None:
    refusal = {"error": {"code": "nonce_used", "message": "used before"}}
    server, bob = meet(by_path(itertools.repeat("1" * 32), nonce={"nonce": NONCE}, put=refusal))
    with pytest.raises(RefusedError, match="used before") as caught:
        bob.put(ONE, BOB.delegate)
    assert caught.value.reason == "nonce_used"
    assert [request.path for request in server.requests] == ["v1/nonce", "v1/put"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["https://causeway.example"], "requests signed for https://causeway.example only"),
        (None, "Incorrect signature"),
        ([5], "Incorrect signature"),
        ("OWN", "Incorrect signature"),
    ],
    ids=["elsewhere", "silent", "junk", "own"],
)
def test_a_server_that_does_not_know_its_address_says_what_to_set(meet: Meet, names: Any, said: str) -> None:
    """One behind a proxy, or under a path, that was not given `public_urls`."""
    refusal = {"error": {"code": "incorrect_signature", "message": "Incorrect signature"}}
    own: list[str] = []
    status = {"software": "causeway", "version": "1", "network": "regtest", "price_sat": 0, "documents": 0}
    answers = {"nonce": {"nonce": NONCE}, "put": refusal}
    _, bob = meet(by_path(**answers, status=lambda _: status | {"servers": own if names == "OWN" else names}))
    own.append(server_name(bob.url))
    with pytest.raises(RefusedError, match=said) as caught:
        bob.put(ONE, BOB.delegate)
    assert caught.value.reason == "incorrect_signature"
    if "only" in said:
        assert f"public_urls (--public-urls) to {server_name(bob.url)}" in str(caught.value.hint)


@pytest.mark.parametrize("stored", [None, "", "true", 1, 0, False, [True], {"a": 1}], ids=repr)
def test_only_a_plain_yes_is_one(meet: Meet, stored: object) -> None:
    _, bob = meet(by_path(nonce={"nonce": NONCE}, put={"verdicts": [{"key": "K", "stored": stored}]}))
    (verdict,) = bob.put(ONE, BOB.delegate)
    assert isinstance(verdict, RefusedError)


@pytest.mark.parametrize("verdicts", [None, 5, {}, [], [None], ["yes"], [{"stored": True}] * 2], ids=repr)
def test_a_verdict_for_each_or_none_counts(meet: Meet, verdicts: object) -> None:
    _, bob = meet(by_path(nonce={"nonce": NONCE}, put={"verdicts": verdicts}))
    with pytest.raises(RemoteError):
        bob.put(ONE, BOB.delegate)


def test_a_refusal_keeps_the_servers_words_on_one_line(meet: Meet) -> None:
    error = {"code": "storage_exhausted", "message": "No\nroom\x1b[2J " + "x" * 999, "hint": "Buy\nmore"}
    _, bob = meet(by_path(nonce={"nonce": NONCE}, put={"verdicts": [{"key": "K", "error": error}]}))
    (verdict,) = bob.put(ONE, BOB.delegate)
    assert verdict is not None
    assert (verdict.reason, verdict.hint) == ("storage_exhausted", "Buy more")
    assert "\n" not in verdict.message
    assert len(verdict.message) < 400


def test_batches_keep_to_the_limits_of_a_request() -> None:
    values = [(f"{number:032}", "é\n" * (number % 2_000)) for number in range(1_700)]
    portions = list(batches(values))
    assert [each for portion in portions for each in portion] == values
    for portion in portions:
        assert len(portion) <= MAX_BATCH
        body = {"values": [{"key": key, "value": text} for key, text in portion]}
        assert len(json.dumps(body, ensure_ascii=False).encode()) <= MAX_BATCH_BYTES
    assert list(batches([])) == []


def test_remote_keys_are_32_letters_and_digits_that_follow_from_a_secret() -> None:
    ids = [DocumentId(f"{number:064x}") for number in range(2_000)]
    keys = [remote_key(b"s" * 32, "https://a/", each) for each in ids]
    assert keys == [remote_key(b"s" * 32, "https://a/", each) for each in ids]
    others = [remote_key(b"t" * 32, "https://a/", each) for each in ids]
    elsewhere = [remote_key(b"s" * 32, "https://b/", each) for each in ids]
    assert len({*keys, *others, *elsewhere}) == 6_000
    assert all(len(key) == 32 and key.isascii() and key.isalnum() and key.upper() == key for key in keys)
    counted = Counter("".join(keys))
    assert len(counted) == 36
    # 64,000 letters, 1778 of each expected, deviation 42; bytes modulo 36 would make four of them 2000
    assert all(abs(count - 1778) < 5 * 42 for count in counted.values())


# get and documents


def test_values_come_back_as_they_are_and_what_was_left_out_is_asked_for_again(meet: Meet) -> None:
    full = {"error": {"code": "answer_full", "message": "later"}}
    missing = {"error": {"code": "key_not_found", "message": "Key not found."}}
    answers = iter([[{"value": "a\x1b"}, full, missing], [{"value": "b"}]])
    server, bob = meet(by_path(get=lambda _: {"values": next(answers)}))
    first, second, third = bob.get(["A", "B", "C"])
    assert (first, second) == ("a\x1b", "b"), "whoever asked compares it"
    assert isinstance(third, RefusedError)
    assert [request.json["keys"] for request in server.requests] == [["A", "B", "C"], ["B"]]


def test_a_server_that_never_has_room_is_not_asked_for_ever(meet: Meet) -> None:
    full = {"error": {"code": "answer_full", "message": "later"}}
    server, bob = meet(by_path(get=lambda request: {"values": [full] * len(request.json["keys"])}))
    assert all(isinstance(value, RefusedError) for value in bob.get([f"{n}" for n in range(MAX_BATCH + 5)]))
    assert len(server.requests) == 1


@pytest.mark.parametrize("value", [None, 5, [], {}, True, ["text"]], ids=repr)
def test_a_value_of_another_type_is_none(meet: Meet, value: object) -> None:
    _, bob = meet(by_path(get={"values": [{"value": value}]}))
    assert isinstance(bob.get(["K"])[0], RefusedError)


def test_documents_that_were_not_asked_for_are_not_looked_at(meet: Meet) -> None:
    ids = [DocumentId(f"{number:064x}") for number in range(4)]
    entries = [{"seq": 1, "id": each, "kind": "job", "armored": "text"} for each in (ids[0], ids[3])]
    answer = {"documents": entries, "missing": [ids[1], ids[3], 5], "left": [ids[2]]}
    _, bob = meet(by_path(documents=answer))
    found = bob.documents(ids[:3])
    assert (found.texts, found.missing) == ({ids[0]: "text"}, {ids[1]})


# feed


def page(**changes: Any) -> dict[str, Any]:
    return {"documents": [], "removed": [], "next": 5, "settled": 5, **changes}


def test_a_feed_is_asked_for_by_number_and_network(meet: Meet) -> None:
    server, bob = meet(says(page(), "200 OK", 'ETag: "abc"'))
    found = bob.feed(3)
    assert found is not None
    assert (found.next, found.etag) == (5, '"abc"')
    assert server.requests[0].query == {"after": "3", "network": "regtest", "limit": "1000"}
    server.answer = says({}, "304 Not Modified")
    assert bob.feed(3, '"abc"') is None
    assert server.requests[1].headers["if-none-match"] == '"abc"'
    with pytest.raises(RemoteError, match="not JSON"):
        bob.feed(3)


@pytest.mark.parametrize("etag", ["", "abc", '"a b"', '"' + "x" * 101 + '"', '"a\x7f"'])
def test_an_etag_that_is_none_is_not_sent_back(meet: Meet, etag: str) -> None:
    _, bob = meet(says(page(), "200 OK", f"ETag: {etag}"))
    found = bob.feed(3)
    assert found is not None
    assert found.etag is None


# hosting


def test_hosting_is_counted(meet: Meet) -> None:
    old = [{"id": 1, "bytes_free": "5000", "expires": "2026-01-02 03:04:05"}, {"id": 2, "bytes_free": 7}]
    new = [{"bytes_free": 5, "transfer_free": 6, "expires": 300}, {"bytes_free": 1, "transfer_free": 1, "expires": 200}]
    server, bob = meet(by_path(request={"result": "success", "buckets": old}, buckets={"buckets": new}))
    assert bob.request("bob@example.com & co") == Hosting(2, 5007, 0, 1_767_323_045, 2)
    assert server.requests[0].query == {
        "owner": BOB.master_address,
        "delegate": BOB.delegate_address,
        "contact": "bob@example.com & co",
    }
    assert bob.buckets() == Hosting(2, 6, 7, 200)


@pytest.mark.parametrize(
    "bucket",
    [None, 5, "x", [], {}, {"bytes_free": None}, {"bytes_free": -5}, {"bytes_free": "-5"}, {"bytes_free": 1.5}]
    + [{"bytes_free": value} for value in ("", "x", "٣", "1e9", " 5", True, [5], {"a": 5}, 10**30, "9" * 30)]
    + [{"expires": value} for value in ("", "never", "2026-13-01 00:00:00", "9999", -5, [], 1.5)],
    ids=repr,
)
def test_a_bucket_that_is_none_holds_nothing(meet: Meet, bucket: object) -> None:
    _, bob = meet(by_path(request={"buckets": [bucket]}))
    assert bob.request("x") == Hosting(1, 0)


def test_boasting_stays_within_what_a_database_holds(meet: Meet) -> None:
    _, bob = meet(by_path(request={"buckets": [{"bytes_free": "9" * 18}] * 50}))
    assert bob.request("x") == Hosting(50, 2**53)


def test_deep_nonsense_in_a_bucket(meet: Meet) -> None:
    for depth in (100, 900, 990, 5_000):
        body = b'{"buckets": [{"bytes_free": ' + b"[" * depth + b"]" * depth + b"}]}"

        def answer(_request: Request, client: socket.socket, body: bytes = body) -> bool:
            client.sendall(http(body))
            return True

        _, bob = meet(answer)
        try:
            assert bob.request("x") == Hosting(1, 0)
        except RemoteError as error:
            assert "not JSON" in error.message  # noqa: PT017 - either is fine


@pytest.mark.parametrize("found", [None, 5, "x", {}, True], ids=repr)
def test_hosting_without_buckets_is_an_error(meet: Meet, found: object) -> None:
    _, bob = meet(by_path(request={"result": "success", "buckets": found}))
    with pytest.raises(RemoteError, match="without the list 'buckets'"):
        bob.request("x")


ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def test_an_order_says_what_to_pay_and_where(meet: Meet) -> None:
    _, bob = meet(by_path(buy={"price": "50000", "address": ADDRESS, "buckets": []}))
    bought = bob.buy("x")
    assert (bought.price, bought.address, bought.hosting.buckets) == (50_000, ADDRESS, 0)


@pytest.mark.parametrize("address", ["", "x", 5, [], "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", ADDRESS + "\n"])
def test_nothing_is_paid_to_what_is_no_address_of_this_network(meet: Meet, address: object) -> None:
    _, bob = meet(by_path(buy={"price": "5", "address": address, "buckets": []}))
    with pytest.raises(ServerLiedError, match="do not pay"):
        bob.buy("x")


@pytest.mark.parametrize("price", [None, "", "0", -5, "1.5", 2_100_000_000_000_001])
def test_a_price_is_an_amount(meet: Meet, price: object) -> None:
    _, bob = meet(by_path(buy={"price": price, "address": ADDRESS, "buckets": []}))
    with pytest.raises(ServerLiedError, match="invalid price"):
        bob.buy("x")


# status, and time


def test_status_is_of_a_causeway(meet: Meet) -> None:
    said = {"software": "causeway", "version": [1], "network": "regtest\n" * 9, "price_sat": "7", "documents": -1}
    server, bob = meet(by_path(status=said))
    status = bob.status()
    assert (status.version, status.price, status.documents) == ("[1]", 7, 0)
    assert len(status.network) <= 20
    server.answer = by_path(status={"uptime": "5"})
    with pytest.raises(RemoteError, match="does not speak the causeway API"):
        bob.status()


def test_a_server_of_2016_is_named_as_one(meet: Meet) -> None:
    def answer(_request: Request, client: socket.socket) -> bool:
        client.sendall(http(b"<!DOCTYPE HTML><title>404 Not Found</title>", "404 Not Found"))
        return True

    server, bob = meet(answer)
    with pytest.raises(RemoteError) as caught:
        bob.status()
    assert caught.value.message.startswith(f"{server.url} has no v1/status (HTTP 404): it is a causeway of 2016")
    assert "upgrade" in (caught.value.hint or "")


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("call", ["request", "status", "put", "get", "feed", "documents", "buckets", "buy"])
def test_every_method_ends_in_time(meet: Meet, call: str) -> None:
    def trickle(_request: Request, client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            client.sendall(b" ")
            stopping.wait(0.05)

    stopping = threading.Event()
    _, bob = meet(trickle)
    calls: dict[str, Callable[[], object]] = {
        "request": lambda: bob.request("x"),
        "buy": lambda: bob.buy("x"),
        "buckets": bob.buckets,
        "status": bob.status,
        "put": lambda: bob.put(ONE, BOB.delegate),
        "get": lambda: bob.get(["K" * 32]),
        "feed": lambda: bob.feed(0),
        "documents": lambda: bob.documents([DocumentId("0" * 64)]),
    }
    with pytest.raises(RemoteError, match=f"takes longer than {transport.TOTAL_SECONDS}"):
        calls[call]()
    stopping.set()


def test_who_is_given_up_ends_at_once_and_asks_nothing_more(meet: Meet) -> None:
    def silent(_request: Request, _client: socket.socket) -> None:
        arrived.set()
        stopping.wait(10)

    arrived, stopping = threading.Event(), threading.Event()
    server, bob = meet(silent)
    threading.Thread(target=lambda: (arrived.wait(5), bob.abort()), daemon=True).start()
    with pytest.raises(RemoteError):
        bob.status()
    stopping.set()
    with pytest.raises(RemoteError, match="given up"):
        bob.status()
    assert len(server.requests) == 1
