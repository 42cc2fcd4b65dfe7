"""A causeway that lies: real HTTP, made-up answers. It is honest until a test bends one of its ways."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rein.btc.hashes import sha256
from rein.errors import ReinError
from rein.protocol.armor import BEGIN, read_armor
from rein.protocol.auth import NEXT_NONCE_HEADER, OWNER_HEADER
from rein.protocol.signed import text_id
from tests.support.serving import QuietHandler, serving

NONCE = "0" * 32
_FULL = {"code": "storage_exhausted", "message": "No bucket has room"}
_NO_KEY = {"code": "key_not_found", "message": "Key not found."}


class EvilServer:
    """Shows what it is told to `show`, stores what it is given, and gives it back."""

    def __init__(self) -> None:
        self.feed: list[dict[str, Any]] = []
        self.removed: list[dict[str, Any]] = []
        self.stored: dict[str, str] = {}
        self.asked: list[str] = []
        self.url = ""
        self.name = ""
        """What its feed calls itself."""
        self.page_size = 1_000
        self.instead: str | None = None
        """Given back for every key."""
        self.hidden = False
        """What it stores it shows to nobody."""
        self.full = False
        self.keep: Callable[[str, bytes, dict[str, str]], object] = lambda _path, _body, _headers: None
        """Is told of every POST: path, body, headers."""
        self.refused: set[str] = set()
        """Ids of documents that it does not take, as if it had no room for them."""
        self.delay = 0.0
        """Seconds before each answer."""
        self.bend: Callable[[str, dict[str, str], dict[str, Any]], Any] = lambda _path, _asked, answer: answer
        """Changes an answer: path, parameters, honest answer."""

    def show(self, *texts: str, under: str | None = None) -> None:
        """Add documents to the feed, under their own ids or another one."""
        for text in texts:
            seq = self._last + 1
            self.feed.append({"seq": seq, "id": under or _id(text), "kind": "job", "armored": text})

    def forget(self) -> None:
        """Lose everything, as a server does whose disk broke."""
        self.feed.clear()
        self.removed.clear()
        self.stored.clear()

    def remove(self, document_id: str) -> None:
        """Delete a document, and say so."""
        seq = self._last + 1
        self.feed = [each for each in self.feed if each["id"] != document_id]
        self.removed.append({"seq": seq, "id": document_id})

    def answer(self, path: str, asked: dict[str, str]) -> Any:
        """The answer to a GET."""
        honest = {
            "request": self._request,
            "buy": self._request,
            "bitcoin": lambda _: {},
            "v1/status": self._status,
            "v1/nonce": lambda _: {"nonce": NONCE},
            "v1/buckets": self._buckets,
            "v1/feed": self._feed,
        }[path](asked)
        return self.bend(path, asked, honest)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The answer to a POST."""
        honest = {
            "v1/put": self._put,
            "v1/get": self._get,
            "v1/documents": self._documents,
            "v1/balance": lambda _: {"balance_sat": 0},
            "v1/buy": lambda _: {"price_sat": 0, "balance_sat": 0, "buckets": []},
        }[path](body)
        return self.bend(path, body, honest)

    @property
    def _last(self) -> int:
        return max((each["seq"] for each in (*self.feed, *self.removed)), default=0)

    def _request(self, _: dict[str, str]) -> dict[str, Any]:
        return {"result": "success", "buckets": [{"id": 1, "bytes_free": "1048576"}]}

    def _status(self, _: dict[str, str]) -> dict[str, Any]:
        said = {"software": "causeway", "version": "6.6.6", "network": "regtest", "price_sat": 0}
        return {**said, "documents": len(self.feed), "settled": self._last}

    def _buckets(self, _: dict[str, str]) -> dict[str, Any]:
        expires = int(time.time()) + 300 * 86_400
        bucket = {"id": 1, "created": 1, "expires": expires, "bytes_free": 1_048_576, "transfer_free": 50_000_000}
        return {"buckets": [bucket]}

    def _feed(self, asked: dict[str, str]) -> dict[str, Any]:
        after = int(asked["after"])
        found = [each for each in self.feed if each["seq"] > after][: self.page_size]
        more = bool(found) and found[-1] is not self.feed[-1]
        following = found[-1]["seq"] if more else max(after, self._last)
        removed = [each for each in self.removed if after < each["seq"] <= following]
        page = {"documents": found, "removed": removed, "next": following, "settled": self._last}
        return page | ({"server": self.name} if self.name else {})

    def _put(self, body: dict[str, Any]) -> dict[str, Any]:
        refused = {each["key"] for each in body["values"] if self.full or _id(each["value"]) in self.refused}
        for each in body["values"]:
            if each["key"] in refused:
                continue
            self.stored[each["key"]] = each["value"]
            if not self.hidden and not any(known["id"] == _id(each["value"]) for known in self.feed):
                self.show(each["value"])
        verdict: dict[bool, dict[str, Any]] = {True: {"error": _FULL}, False: {"stored": True}}
        return {"verdicts": [{"key": each["key"], **verdict[each["key"] in refused]} for each in body["values"]]}

    def _get(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"values": [self._value(key) for key in body["keys"]]}

    def _value(self, key: str) -> dict[str, Any]:
        if key not in self.stored:
            return {"key": key, "error": _NO_KEY}
        return {"key": key, "value": self.instead or self.stored[key]}

    def _documents(self, body: dict[str, Any]) -> dict[str, Any]:
        found = [each for each in self.feed if each["id"] in body["ids"]]
        here = {each["id"] for each in found}
        return {"documents": found, "left": [], "missing": [each for each in body["ids"] if each not in here]}


def _id(text: str) -> str:
    try:
        return text_id(read_armor(text).text)
    except ReinError:
        return sha256(text.removeprefix(BEGIN).encode("utf-8", "surrogatepass")).hex()


@contextmanager
def evil_server() -> Iterator[EvilServer]:
    """One that runs on the loopback until the block ends."""
    evil = EvilServer()
    stopping = threading.Event()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._send(lambda: evil.answer(parts.path.strip("/"), parameters))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            evil.keep(self.path.strip("/"), body, {name: text for name, text in self.headers.items() if "Rein" in name})
            self._send(lambda: evil.post(self.path.strip("/"), json.loads(body)))

        def _send(self, make: Callable[[], Any]) -> None:
            evil.asked.append(urlsplit(self.path).path.strip("/"))
            if evil.delay and stopping.wait(evil.delay):
                self.close_connection = True
                return
            answer = make()
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            etag = f'"{sha256(body).hex()[:32]}"'
            unchanged = self.headers.get("If-None-Match") == etag
            self.send_response(304 if unchanged else 200)
            self.send_header("ETag", etag)
            if OWNER_HEADER in self.headers:
                self.send_header(NEXT_NONCE_HEADER, NONCE)
            self.send_header("Content-Length", "0" if unchanged else str(len(body)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the client hung up on it
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    evil.url = f"http://127.0.0.1:{server.server_address[1]}/"
    with serving(server):
        try:
            yield evil
        finally:
            stopping.set()
