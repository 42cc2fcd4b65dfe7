"""JSON-RPC over HTTP as Bitcoin Core speaks it, towards a server that may answer anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from rein.chain.answers import Answer, parse_json, printable
from rein.errors import ChainError, InputError
from rein.net.http import Http, HttpError, Limits

MAX_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of one answer. A full block in hex is 8 MB; a scan of a busy script may be larger."""
MAX_COOKIE: Final = 4096
CONNECT_TIMEOUT: Final = 10.0


@dataclass(frozen=True)
class ErrorObject:
    """An error the node itself answered: Core's code (rpc/protocol.h) and its message, made printable."""

    code: int
    message: str


@dataclass(frozen=True)
class Endpoint:
    """Where the node is and who we are to it. `shown` is the address without credentials, for messages."""

    url: str
    shown: str
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str, user: str | None, password: str | None) -> Endpoint:
        """From "http://[user:password@]host[:port][/path]"; the arguments win over the URL. InputError otherwise."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        # The URL itself is not repeated: it may carry a password.
        if not host or parts.scheme not in ("http", "https"):
            raise InputError("the node's address is not a URL", hint="it looks like http://127.0.0.1:8332")
        if user is None and parts.username is not None:
            user, password = unquote(parts.username), unquote(parts.password or "")
        bracketed = f"[{host}]" if ":" in host else host
        shown = f"{parts.scheme}://{bracketed}" + (f":{port}" if port else "")
        return cls(url=shown + (parts.path or "/"), shown=shown, user=user, password=password)

    def of_wallet(self, name: str) -> Endpoint:
        """Where the node answers for one of its wallets."""
        return replace(self, url=f"{self.url.rstrip('/')}/wallet/{quote(name, safe='')}")


class JsonRpc:
    """One node's JSON-RPC door. Every failure of the connection or of the answer's form is a ChainError.

    Credentials are a user and password or a cookie file, which Core rewrites at every start: it is read again when
    the node says 401. Neither ever appears in a message.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        cookie_file: Path | None = None,
        proxy: str | None = None,
        timeout: float = 30,
    ) -> None:
        self.endpoint = endpoint
        self._cookie_file = cookie_file
        self._cookie: tuple[bytes, bytes] | None = None
        # A proxy or a .netrc meant for the web must get neither our questions nor a say in our credentials.
        self._http = Http(proxy)
        self._timeout = timeout
        self._calls = 0

    def close(self) -> None:
        self._http.close()

    def exchange(self, method: str, params: Sequence[object], timeout: float | None = None) -> Answer | ErrorObject:
        """What the node answers: its result or its error. `timeout` in seconds, for the whole answer."""
        self._calls += 1
        request = {"jsonrpc": "1.0", "id": self._calls, "method": method, "params": list(params)}
        body = json.dumps(request).encode()
        status, data = self._post(body, timeout or self._timeout, method)
        if status == 401 and self._cookie is not None:
            self._cookie = None
            status, data = self._post(body, timeout or self._timeout, method)
        if status in (401, 403):
            raise ChainError(
                f"the node at {self.endpoint.shown} refuses our credentials",
                hint="check the user and password, or that the cookie file is the running node's",
            )
        return self._read(status, data, method)

    def _read(self, status: int, data: bytes, method: str) -> Answer | ErrorObject:
        # Core answers errors with status 400, 404 or 500 and a JSON body; proxies and web servers with a page.
        if status not in (200, 400, 404, 500):
            raise ChainError(f"the node at {self.endpoint.shown} answers {method} with HTTP status {status}")
        try:
            answer = Answer(parse_json(data, method), method)
        except ChainError:
            if status == 200:
                raise
            raise ChainError(
                f"the node at {self.endpoint.shown} answers {method} with HTTP status {status}",
                hint="check that the address is a Bitcoin node's RPC port",
            ) from None
        error = answer.get("error")
        number = answer.value.get("id")
        if number != self._calls and not (error and number is None):
            raise ChainError(f"the answer to {method} is to another question")
        if error is not None:
            return ErrorObject(error["code"].integer(-(2**31), 2**31), printable(error["message"].text()))
        if status != 200:
            raise ChainError(f"the node at {self.endpoint.shown} answers {method} with HTTP status {status}")
        if "result" not in answer.value:
            raise ChainError(f"the answer to {method} has no result")
        return Answer(answer.value["result"], method)

    def _credentials(self) -> tuple[bytes, bytes] | None:
        if self.endpoint.user is not None:
            return self.endpoint.user.encode(), (self.endpoint.password or "").encode()
        if self._cookie is None and self._cookie_file is not None:
            try:
                with self._cookie_file.open("rb") as file:
                    user, colon, password = file.read(MAX_COOKIE).strip().partition(b":")
            except OSError as error:
                raise ChainError(
                    f"the node's cookie file {self._cookie_file} cannot be read",
                    hint="the node writes it when it starts: is it running, as a user whose files you may read?",
                ) from error
            if not colon:
                raise ChainError(f"the node's cookie file {self._cookie_file} is not a cookie")
            self._cookie = (user, password)
        return self._cookie

    def _post(self, body: bytes, timeout: float, method: str) -> tuple[int, bytes]:
        """Status and body, at most MAX_ANSWER bytes within `timeout` seconds."""
        limits = Limits(CONNECT_TIMEOUT, timeout, timeout, MAX_ANSWER)
        headers = {"Content-Type": "application/json"}
        try:
            reply = self._http.exchange(
                "POST", self.endpoint.url, limits, data=body, auth=self._credentials(), headers=headers
            )
        except HttpError as error:
            raise ChainError(
                f"the node at {self.endpoint.shown}, asked for {method}, {error.reason}",
                hint="check that it is running and that the address and port are right",
            ) from error
        return reply.status, reply.body
