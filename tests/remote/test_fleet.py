"""Many servers at once: one that is dead, slow or hostile takes nothing from the others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from rein.btc.networks import REGTEST
from rein.errors import RemoteError, ServerLiedError
from rein.remote import fleet
from rein.remote.causeway import Causeway
from rein.remote.fleet import Emit, run_on_all
from tests.remote.conftest import Answer, Request, Server, says, sends
from tests.support.people import person

BOB = person("Bob")


def with_documents(number: int) -> Answer:
    return says({"software": "causeway", "network": "regtest", "documents": number})


GOOD = with_documents(1)
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


def ask_all(servers: Sequence[Causeway], ask: Callable[[Causeway], object]) -> dict[str, object]:
    """Ask every server one thing: its answer, or its error, by URL in the order of `servers`."""
    answers: dict[str, object] = {}

    def work(server: Causeway, emit: Emit[object]) -> None:
        emit(ask(server))

    for report in run_on_all(servers, work):
        if report.error is not None or report.value is not None:
            answers[report.url] = report.error or report.value
    return {server.url: answers[server.url] for server in servers}


def documents(server: Causeway) -> int:
    return server.status().documents


def test_nobody_is_asked_where_there_is_nobody() -> None:
    assert ask_all([], documents) == {}


def test_answers_stand_in_the_order_of_the_servers(sail: Sail) -> None:
    ships = sail(*(with_documents(number) for number in range(1, 26)))
    assert list(ask_all(ships, documents).items()) == [(ship.url, n) for n, ship in enumerate(ships, start=1)]


def test_one_dead_server_delays_nobody(sail: Sail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "STRAGGLER_SECONDS", 0.5)
    stop = threading.Event()

    def silent(_request: Request, _client: socket.socket) -> None:
        stop.wait(20)

    def trickling(_request: Request, client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not stop.wait(0.05):
            client.sendall(b" ")

    ships = sail(silent, GOOD, trickling, GOOD, sends(b"junk"), GOOD)
    began = time.monotonic()
    answers = list(ask_all(ships, documents).values())
    assert time.monotonic() - began < 10
    stop.set()
    assert answers[1] == answers[3] == answers[5] == 1
    assert [type(answers[index]) for index in (0, 2, 4)] == [RemoteError] * 3
    assert all("was left behind" in str(answers[index]) for index in (0, 2))


def test_the_only_server_is_waited_for(sail: Sail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "STRAGGLER_SECONDS", 0.1)

    def slow(request: Request, client: socket.socket) -> bool | None:
        time.sleep(0.8)
        return GOOD(request, client)

    assert list(ask_all(sail(slow), documents).values()) == [1]


def test_a_round_ends_whoever_talks(sail: Sail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "ROUND_SECONDS", 0.5)

    def silent(_request: Request, _client: socket.socket) -> None:
        stop.wait(20)

    stop = threading.Event()
    (answer,) = ask_all(sail(silent), documents).values()
    stop.set()
    assert isinstance(answer, RemoteError)


def test_every_error_of_ours_is_an_answer(sail: Sail) -> None:
    def lie(server: Causeway) -> str:
        raise ServerLiedError(f"{server.url} lied")

    assert [type(answer) for answer in ask_all(sail(GOOD, GOOD), lie).values()] == [ServerLiedError] * 2


def test_a_mistake_of_ours_is_not_hidden_as_a_servers(sail: Sail) -> None:
    def broken(_server: Causeway) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_all(sail(GOOD), broken)


def test_what_is_said_before_an_error_is_heard_and_nobody_overtakes_a_slow_listener(sail: Sail) -> None:
    said: list[int] = []

    def work(server: Causeway, emit: Emit[int]) -> None:
        for number in range(1, 51):
            said.append(number)
            emit(number)
        raise ServerLiedError(f"{server.url} lied")

    heard: list[int | None] = []
    for report in run_on_all(sail(GOOD), work):
        heard.append(report.value)
        time.sleep(0.002)
        assert len(said) - len(heard) < 10, "what nobody has listened to yet is bounded"
    assert heard == [*range(1, 51), None]


def test_nobody_who_stops_listening_leaves_a_thread_behind(sail: Sail) -> None:
    def endless(_server: Causeway, emit: Emit[int]) -> None:
        while True:
            emit(1)

    for _ in run_on_all(sail(GOOD, GOOD), endless):
        break
    deadline = time.monotonic() + 5
    while (left := [each for each in threading.enumerate() if "_run" in each.name]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
