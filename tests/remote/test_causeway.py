"""One typed method an endpoint, towards a server that lies: what comes out has the right type, or is our error."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rein.btc.networks import MAINNET, REGTEST, Network
from rein.errors import RemoteError
from rein.protocol.auth import verify_put
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.protocol.wire import MAX_QUERY_ITEMS, MAX_QUERY_ROWS, Query
from rein.remote import causeway, transport
from rein.remote.causeway import Causeway, Hosting, new_remote_key
from tests.remote.conftest import Answer, Request, Server, http, says
from tests.support.people import person

BOB = person("Bob")
NONCE = "0123456789abcdef" * 2
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


def by_path(**answers: Any) -> Answer:
    """Another JSON for each endpoint; a function is asked."""

    def answer(request: Request, client: socket.socket) -> bool:
        found = answers[request.path]
        client.sendall(http(json.dumps(found(request) if callable(found) else found).encode()))
        return True

    return answer


# put and nonce


def test_a_put_says_who_and_what_and_signs_it(meet: Meet) -> None:
    server, bob = meet(by_path(nonce={"nonce": NONCE}, put={"result": "success"}))
    bob.put("K" * 32, "value\n", BOB.delegate)
    asked, put = server.requests
    assert asked.query == {"address": BOB.master_address}
    body = put.json
    assert verify_put(body["key"], body["value"], body["signature_address"], body["nonce"], body.pop("signature"))
    assert body == {
        "key": "K" * 32,
        "value": "value\n",
        "nonce": NONCE,
        "signature_address": BOB.delegate_address,
        "owner": BOB.master_address,
        "testnet": 1,
    }


def test_on_mainnet_the_testnet_flag_is_0(meet: Meet) -> None:
    server, bob = meet(by_path(nonce={"nonce": NONCE}, put={"result": "success"}, query={"jobs": []}), MAINNET)
    bob.put("K" * 32, "value", person("Bob", MAINNET).delegate)
    assert list(bob.query(Query.JOBS)) == []
    assert server.requests[1].json["testnet"] == 0
    assert server.requests[2].query["testnet"] == "0"


def test_the_nonce_a_put_offers_saves_asking_for_one(meet: Meet) -> None:
    offered = (f"{number:032x}" for number in itertools.count())
    server, bob = meet(by_path(nonce={"nonce": NONCE}, put=lambda _: {"result": "success", "nonce": next(offered)}))
    for _ in range(3):
        bob.put("K" * 32, "value", BOB.delegate)
    assert [request.path for request in server.requests] == ["nonce", "put", "put", "put"]
    assert [request.json["nonce"] for request in server.requests[1:]] == [NONCE, f"{0:032x}", f"{1:032x}"]


JUNK_NONCES = [None, 5, [], {}, True, "", "x", NONCE[:-1], NONCE + "0", NONCE.upper(), NONCE + "\n", "g" * 32, "é" * 32]


@pytest.mark.parametrize("nonce", JUNK_NONCES, ids=repr)
def test_a_nonce_that_is_none_is_not_signed(meet: Meet, nonce: object) -> None:
    """What is signed is key, value, address and nonce without anything between: a nonce must be a nonce."""
    server, bob = meet(by_path(nonce={"nonce": nonce}, put={"result": "success"}))
    with pytest.raises(RemoteError, match="no nonce"):
        bob.put("K" * 32, "value", BOB.delegate)
    assert [request.path for request in server.requests] == ["nonce"]


@pytest.mark.parametrize("nonce", JUNK_NONCES, ids=repr)
def test_an_offered_nonce_that_is_none_is_not_used(meet: Meet, nonce: object) -> None:
    server, bob = meet(by_path(nonce={"nonce": NONCE}, put={"result": "success", "nonce": nonce}))
    bob.put("K" * 32, "value", BOB.delegate)
    bob.put("K" * 32, "value", BOB.delegate)
    assert [request.path for request in server.requests] == ["nonce", "put", "nonce", "put"]


@pytest.mark.parametrize("result", [None, "", "Success", "ok", True, 1, ["success"], {"success": 1}], ids=repr)
def test_a_put_that_is_not_said_to_be_stored_is_an_error(meet: Meet, result: object) -> None:
    _, bob = meet(by_path(nonce={"nonce": NONCE}, put={"result": result}))
    with pytest.raises(RemoteError, match="did not say that it stored"):
        bob.put("K" * 32, "value", BOB.delegate)


def test_after_a_refused_put_a_fresh_nonce_is_asked_for(meet: Meet) -> None:
    results = iter([{"result": "success", "nonce": "1" * 32}, {"result": "error", "message": "stale nonce"}])
    server, bob = meet(by_path(nonce={"nonce": NONCE}, put=lambda _: next(results, {"result": "success"})))
    bob.put("K" * 32, "value", BOB.delegate)
    with pytest.raises(RemoteError, match="refuses: stale nonce"):
        bob.put("K" * 32, "value", BOB.delegate)
    bob.put("K" * 32, "value", BOB.delegate)
    assert [request.json["nonce"] for request in server.requests if request.path == "put"] == [
        NONCE,
        "1" * 32,
        NONCE,
    ]


def test_remote_keys_are_32_random_letters_and_digits() -> None:
    keys = {new_remote_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(len(key) == 32 and key.isascii() and key.isalnum() and key.upper() == key for key in keys)


# get


def test_a_value_comes_back_as_it_is(meet: Meet) -> None:
    server, bob = meet(by_path(get={"key": "K", "value": "a\nlie\x1b[2J"}))
    assert bob.get("K" * 32) == "a\nlie\x1b[2J", "whoever asked compares it"
    assert server.requests[0].query == {"key": "K" * 32}


@pytest.mark.parametrize("value", [None, 5, [], {}, True, ["text"]], ids=repr)
def test_a_value_of_another_type_is_none(meet: Meet, value: object) -> None:
    _, bob = meet(by_path(get={"value": value}))
    assert bob.get("K" * 32) is None


def test_a_missing_value_is_none_and_another_error_is_one(meet: Meet) -> None:
    server, bob = meet(says({"result": "error", "message": "Key not found"}, "404 Not Found"))
    assert bob.get("K" * 32) is None
    server.answer = says({"result": "error", "message": "go away"}, "403 Forbidden")
    with pytest.raises(RemoteError, match="go away"):
        bob.get("K" * 32)


# query


def pages(*answers: dict[str, Any]) -> tuple[Answer, list[Request]]:
    """Answers one after the other, the last one for ever."""
    asked: list[Request] = []

    def page(request: Request) -> dict[str, Any]:
        asked.append(request)
        return answers[min(len(asked), len(answers)) - 1]

    return by_path(query=page), asked


@pytest.mark.parametrize("cursors", [(10, 20, 30), (30, 20, 10), (5, 500, 3), (0, -1, -2)], ids=str)
def test_pages_are_followed_in_either_direction(meet: Meet, cursors: tuple[int, ...]) -> None:
    """Servers number oldest first or, for jobs, newest first: `next` may fall."""
    answer, asked = pages(
        *({"jobs": [f"text {number}"], "next": cursor} for number, cursor in enumerate(cursors)), {"jobs": ["end"]}
    )
    _, bob = meet(answer)
    assert list(bob.query(Query.JOBS, {"tags": "x"})) == ["text 0", "text 1", "text 2", "end"]
    assert [request.query.get("after") for request in asked] == [None, *map(str, cursors)]
    common = {"owner": BOB.master_address, "query": "jobs", "testnet": "1", "tags": "x"}
    assert all({k: v for k, v in request.query.items() if k != "after"} == common for request in asked)


@pytest.mark.parametrize("cursors", [(7,), (7, 8, 7), (1, 2, 3, 1)], ids=str)
def test_a_loop_of_pages_ends(meet: Meet, cursors: tuple[int, ...]) -> None:
    answer, asked = pages(*({"jobs": ["x"], "next": cursor} for cursor in cursors))
    _, bob = meet(answer)
    assert set(bob.query(Query.JOBS)) == {"x"}
    assert len(asked) <= len(cursors) + 1


@pytest.mark.parametrize("following", [None, "5", 5.0, True, [], {}, "", "next"], ids=repr)
def test_what_is_no_cursor_ends_the_pages(meet: Meet, following: object) -> None:
    answer, asked = pages({"jobs": ["x"], "next": following})
    _, bob = meet(answer)
    assert list(bob.query(Query.JOBS)) == ["x"]
    assert len(asked) == 1


@pytest.mark.parametrize("step", [1, -1, 10**30])
def test_pages_without_end_are_an_error(meet: Meet, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(causeway, "_MAX_PAGES", 20)
    cursor = itertools.count(0, step)
    server, bob = meet(by_path(query=lambda _: {"jobs": ["x"], "next": next(cursor)}))
    with pytest.raises(RemoteError, match="no end of pages for jobs"):
        list(bob.query(Query.JOBS))
    assert len(server.requests) == 20


def test_pages_that_bring_too_much_are_an_error(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causeway, "MAX_QUERY_CHARACTERS", 300_000)
    cursor = itertools.count()
    server, bob = meet(by_path(query=lambda _: {"jobs": ["x" * 60_000] * 2, "next": next(cursor)}))
    with pytest.raises(RemoteError, match="no end of pages"):
        list(bob.query(Query.JOBS))
    assert len(server.requests) == 3


def test_pages_that_take_too_long_are_an_error(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causeway, "QUERY_SECONDS", 0.3)
    cursor = itertools.count()

    def slow(request: Request, client: socket.socket) -> bool:
        request_done.wait(0.05)
        client.sendall(http(json.dumps({"jobs": [], "next": next(cursor)}).encode()))
        return True

    request_done = threading.Event()
    server, bob = meet(slow)
    with pytest.raises(RemoteError, match="no end of pages"):
        list(bob.query(Query.JOBS))
    assert 2 <= len(server.requests) <= 10


@pytest.mark.parametrize("found", [None, 5, "text", {}, {"0": "text"}, True], ids=repr)
def test_a_list_that_is_none_is_an_error(meet: Meet, found: object) -> None:
    _, bob = meet(by_path(query={"jobs": found, "mediators": []}))
    with pytest.raises(RemoteError, match="without the list 'jobs'"):
        list(bob.query(Query.JOBS))


def test_the_list_of_another_query_is_not_taken(meet: Meet) -> None:
    _, bob = meet(by_path(query={"mediators": ["text"]}))
    with pytest.raises(RemoteError, match="without the list 'jobs'"):
        list(bob.query(Query.JOBS))


def test_only_texts_of_a_documents_size_are_handed_on(meet: Meet) -> None:
    largest = "x" * MAX_DOCUMENT_BYTES
    items = [None, 5, [], {}, ["text"], "fine", largest + "x", largest, "\ud800", True]
    _, bob = meet(by_path(query={"jobs": items}))
    assert list(bob.query(Query.JOBS)) == ["fine", largest, "\ud800"]


def test_a_page_holds_no_more_texts_than_agreed(meet: Meet) -> None:
    _, bob = meet(by_path(query={"jobs": [""] * (MAX_QUERY_ROWS + 5)}))
    assert len(list(bob.query(Query.JOBS))) == MAX_QUERY_ROWS


def test_long_lists_are_asked_in_parts(meet: Meet) -> None:
    ids = [f"{number:020}" for number in range(2 * MAX_QUERY_ITEMS + 1)]
    server, bob = meet(by_path(query=lambda request: {"by_job_id": request.query["job_ids"].split(",")}))
    assert list(bob.query_list(Query.BY_JOB_ID, "job_ids", ids)) == ids
    assert len(server.requests) == 3
    assert list(bob.query_list(Query.BY_JOB_ID, "job_ids", [])) == []
    assert len(server.requests) == 3


# request and status


def test_hosting_is_counted(meet: Meet) -> None:
    buckets = [{"id": 1, "bytes_free": "5000"}, {"id": 2, "bytes_free": 7}]
    server, bob = meet(by_path(request={"result": "success", "buckets": buckets}))
    assert bob.request("bob@example.com & co") == Hosting(2, 5007)
    assert server.requests[0].query == {
        "owner": BOB.master_address,
        "delegate": BOB.delegate_address,
        "contact": "bob@example.com & co",
    }


@pytest.mark.parametrize(
    "bucket",
    [None, 5, "x", [], {}, {"bytes_free": None}, {"bytes_free": -5}, {"bytes_free": "-5"}, {"bytes_free": 1.5}]
    + [{"bytes_free": value} for value in ("", "x", "٣", "1e9", " 5", True, [5], {"a": 5}, 10**30, "9" * 30)],
    ids=repr,
)
def test_a_bucket_that_is_none_holds_nothing(meet: Meet, bucket: object) -> None:
    _, bob = meet(by_path(request={"buckets": [bucket]}))
    assert bob.request("x") == Hosting(1, 0)


def test_boasting_stays_within_what_a_database_holds(meet: Meet) -> None:
    _, bob = meet(by_path(request={"buckets": [{"bytes_free": "9" * 18}] * 50}))
    assert bob.request("x") == Hosting(50, 2**53)


def test_deep_nonsense_in_a_bucket(meet: Meet) -> None:
    for depth in (100, 400, 800, 900, 950, 990, 5_000):
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


def test_status_is_any_object(meet: Meet) -> None:
    _, bob = meet(by_path(status={"version": [1, 2]}))
    assert bob.status() == {"version": [1, 2]}


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("call", ["request", "status", "put", "get", "query"])
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
        "status": bob.status,
        "put": lambda: bob.put("K" * 32, "value", BOB.delegate),
        "get": lambda: bob.get("K" * 32),
        "query": lambda: list(bob.query(Query.JOBS)),
    }
    with pytest.raises(RemoteError, match=f"takes longer than {transport.TOTAL_SECONDS}"):
        calls[call]()
    stopping.set()
