"""A load generator: prepared requests over kept-alive connections, from several processes, each answer timed."""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True)
class Measured:
    """What came of a load: answers by status, and the seconds of each."""

    seconds: float
    latencies: Sequence[float]
    statuses: Counter[int]

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1_000


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{lines}"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def measure(port: int, requests: Sequence[bytes], *, processes: int = 2, connections: int = 8) -> Measured:
    """Send all requests, from `processes` with `connections` each."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    shares = [requests[number::processes] for number in range(processes)]
    workers = [context.Process(target=_send, args=(port, share, connections, results)) for share in shares]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    collected = [results.get() for _ in workers]
    seconds = time.monotonic() - began
    for worker in workers:
        worker.join()
    latencies = [each for part, _ in collected for each in part]
    return Measured(seconds, latencies, sum((Counter(part) for _, part in collected), Counter()))


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent = time.monotonic()
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Read what is there; the status, once the answer is whole."""
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        lowered = head.lower()
        length = int(lowered.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return int(head.split(b" ", 2)[1]) if len(body) >= length else None


def _send(port: int, requests: Sequence[bytes], connections: int, results: object) -> None:
    todo = iter(requests)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    with selectors.DefaultSelector() as selector:
        for request in list(islice(todo, connections)):
            connection = _Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(request)
        while selector.get_map():
            for key, _ in selector.select():
                status = key.data.status()
                if status is None:
                    continue
                latencies.append(time.monotonic() - key.data.sent)
                statuses[status] += 1
                request = next(todo, None)
                if request is None:
                    selector.unregister(key.data.socket)
                    key.data.socket.close()
                else:
                    key.data.send(request)
    results.put((latencies, dict(statuses)))  # type: ignore[attr-defined]
