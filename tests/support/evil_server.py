"""A causeway that lies: real HTTP, made-up answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NONCE = "0" * 32


class EvilServer:
    """Answers every query with `answers[query]`; says it stores what it is given, and gives back `instead`, if set."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {}
        self.stored: dict[str, str] = {}
        self.instead: str | None = None
        self.url = ""

    def answer(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        """The answer to a GET."""
        if path == "request":
            return {"result": "success", "buckets": [{"id": 1, "bytes_free": "1048576"}]}
        if path == "nonce":
            return {"nonce": NONCE}
        if path == "get":
            value = self.stored.get(parameters["key"])
            return {"error": "Key not found."} if value is None else {"key": "k", "value": self.instead or value}
        if path == "query":
            return {"result": "success", parameters["query"]: self.answers.get(parameters["query"], [])}
        return {}

    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a POST."""
        self.stored[body["key"]] = body["value"]
        return {"result": "success"}


@contextmanager
def evil_server() -> Iterator[EvilServer]:
    """One that runs on the loopback until the block ends."""
    evil = EvilServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._send(evil.answer(parts.path.strip("/"), parameters))

        def do_POST(self) -> None:
            self._send(evil.put(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def _send(self, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    evil.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield evil
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
