"""Many servers at once: one that is dead, slow or hostile takes nothing from the others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from rein.btc.networks import REGTEST
from rein.errors import RemoteError, ServerLiedError
from rein.protocol.wire import Query
from rein.remote.causeway import Causeway
from rein.remote.fleet import Outcome, ask_all, errors_of, require_one
from tests.remote.conftest import Answer, Request, Server, http, says, sends
from tests.support.people import person

BOB = person("Bob")
GOOD = says({"jobs": ["text"]})
Sail = Callable[..., list[Causeway]]


@pytest.fixture
def sail(serve: Callable[[Answer], Server]) -> Iterator[Sail]:
    """One server for each answer."""
    opened: list[Causeway] = []

    def start(*answers: Answer) -> list[Causeway]:
        fleet = [Causeway(serve(each).url, REGTEST, BOB.master_address, BOB.delegate_address) for each in answers]
        opened.extend(fleet)
        return fleet

    yield start
    for each in opened:
        each.close()


def jobs(server: Causeway) -> list[str]:
    return list(server.query(Query.JOBS))


def test_nobody_is_asked_where_there_is_nobody() -> None:
    assert ask_all([], jobs) == []
    require_one([])


def test_outcomes_stand_in_the_order_of_the_servers(sail: Sail) -> None:
    fleet = sail(*(says({"jobs": [str(number)]}) for number in range(25)))
    outcomes = ask_all(fleet, jobs)
    assert [outcome.value for outcome in outcomes] == [[str(number)] for number in range(25)]
    assert [outcome.url for outcome in outcomes] == [server.url for server in fleet]
    assert errors_of(outcomes) == []


@pytest.mark.usefixtures("hurried")
def test_one_dead_server_delays_nobody_else(sail: Sail) -> None:
    """The good ones have answered long before the dead one is given up, and their answers are right."""
    stop = threading.Event()

    def silent(_request: Request, _client: socket.socket) -> None:
        stop.wait(5)

    def trickling(_request: Request, client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not stop.wait(0.05):
            client.sendall(b" ")

    finished: dict[str, float] = {}
    fleet = sail(silent, GOOD, trickling, GOOD, sends(b"junk"), GOOD)
    began = time.monotonic()

    def timed(server: Causeway) -> list[str]:
        try:
            return jobs(server)
        finally:
            finished[server.url] = time.monotonic() - began

    outcomes = ask_all(fleet, timed)
    stop.set()
    assert [outcome.value for outcome in outcomes] == [None, ["text"], None, ["text"], None, ["text"]]
    assert [type(outcome.error) for outcome in outcomes] == [RemoteError, type(None)] * 3
    dead = min(finished[fleet[index].url] for index in (0, 2))
    assert all(finished[fleet[index].url] < dead for index in (1, 3, 4, 5))
    assert time.monotonic() - began < 15, "and the whole round ends with the deadline of the slowest"
    require_one(outcomes)


def test_every_error_of_ours_is_an_outcome(sail: Sail) -> None:
    def lie(server: Causeway) -> str:
        raise ServerLiedError(f"{server.url} lied")

    outcomes = ask_all(sail(GOOD, GOOD), lie)
    assert [type(outcome.error) for outcome in outcomes] == [ServerLiedError] * 2
    with pytest.raises(RemoteError, match=r"no server answered; .* lied") as caught:
        require_one(outcomes)
    assert caught.value.hint == "Try again later, or add another server."


def test_a_mistake_of_ours_is_not_hidden_as_a_servers(sail: Sail) -> None:
    def broken(_server: Causeway) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_all(sail(GOOD), broken)


def test_one_answer_is_enough() -> None:
    failed: Outcome[str] = Outcome("http://a/", None, RemoteError("no"))
    require_one([failed, Outcome("http://b/", "yes", None)])
    with pytest.raises(RemoteError):
        require_one([failed])


def test_each_conversation_is_its_own(sail: Sail) -> None:
    """Nothing one server says (a nonce, a page) is used with another one."""
    seen: list[tuple[int, str]] = []

    def server(number: int) -> Answer:
        def answer(request: Request, client: socket.socket) -> bool:
            if request.path == "put":
                seen.append((number, request.json["nonce"]))
            client.sendall(http(b'{"result": "success", "nonce": "%s"}' % (str(number) * 32).encode()))
            return True

        return answer

    fleet = sail(*(server(number) for number in range(4)))
    for _ in range(3):
        ask_all(fleet, lambda each: each.put("K" * 32, "value", BOB.delegate))
    assert len(seen) == 12
    assert all(nonce == str(number) * 32 for number, nonce in seen)
