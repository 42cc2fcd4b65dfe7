"""A real HTTP server on loopback that answers exactly what a test tells it to, byte by byte if need be."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from rein.remote import transport


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Request, socket.socket], bool | None]
"""Writes to the socket. True keeps the connection for another request."""


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An answer as HTTP has it."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def says(data: Any, status: str = "200 OK", *headers: str) -> Answer:
    """Answers this JSON, over a connection that is kept."""
    raw = http(json.dumps(data).encode(), status, *headers)

    def answer(_request: Request, client: socket.socket) -> bool:
        client.sendall(raw)
        return True

    return answer


def sends(raw: bytes) -> Answer:
    """Sends these bytes and hangs up."""

    def answer(_request: Request, client: socket.socket) -> None:
        client.sendall(raw)

    return answer


@dataclass
class Server:
    """One server with a script: `answer` may be replaced between requests."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        if self.stopping.is_set():
            return
        self.stopping.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes `accept`
        self._threads[0].join()
        self._listener.close()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self.stopping.is_set():
                return client.close()
            client.settimeout(5)
            self._clients.append(client)
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(client,)))
            self._threads[-1].start()

    def _serve(self, accepted: socket.socket) -> None:
        with suppress(OSError), self._secured(accepted) as client, client.makefile("rb") as reader:
            while (request := _read_request(reader)) is not None:
                self.requests.append(request)
                if not self.answer(request, client) or self.stopping.is_set():
                    return

    def _secured(self, client: socket.socket) -> socket.socket:
        return self.tls.wrap_socket(client, server_side=True) if self.tls else client


def _read_request(reader: Any) -> Request | None:
    line = reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ")
    headers: dict[str, str] = {}
    while (header := reader.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    return Request(method, parts.path.lstrip("/"), query, headers, body, target)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts a server with this answer; all are stopped when the test ends."""
    servers: list[Server] = []

    def start(answer: Answer, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(answer, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no credentials of the machine that runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timeouts that tests can wait for."""
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 1)
    monkeypatch.setattr(transport, "READ_SECONDS", 0.4)
    monkeypatch.setattr(transport, "TOTAL_SECONDS", 0.6)
