"""HTTP, with everything a hostile server could do to a client bounded or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from rein.errors import InputError, RemoteError

CONNECT_SECONDS = 5
READ_SECONDS = 20
MAX_ANSWER_BYTES = 64 * 2**20
"""An answer holds at most `wire.MAX_QUERY_ROWS` documents of at most 64 KiB."""

_CHUNK = 65_536
_MAX_URL = 300


def normal_url(text: str) -> str:
    """The one spelling of a server's address: scheme, host, port, path, and a slash at the end.

    :raises InputError: it is no http(s) address, or holds a name and password, a query or a fragment.
    """
    given = text if "://" in text else f"http://{text}"
    parts = urlsplit(given)
    try:
        port = parts.port
    except ValueError as error:
        raise InputError(f"{text} is no server address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or len(given) > _MAX_URL or not given.isascii():
        raise InputError(f"{text[:60]!r} is no server address", hint="One looks like http://causeway.example:2016")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(f"the server address {text[:60]!r} holds more than scheme, host, port and path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}/"


class Transport:
    """One server, over one kept-alive connection. Not for use by two threads at a time."""

    def __init__(self, url: str) -> None:
        import requests

        self.url = url
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "rein"
        self._session.max_redirects = 0

    def get(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """GET with query parameters; the JSON object that is answered.

        :raises RemoteError: unreachable, too slow, too large, no JSON object, or an error told by the server.
        """
        return self._ask("GET", path, params=dict(parameters))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a JSON object. As `get`."""
        return self._ask("POST", path, json=dict(body))

    def close(self) -> None:
        self._session.close()

    def _ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        import requests

        try:
            with self._session.request(
                method,
                self.url + path,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=True,
                allow_redirects=False,
                **arguments,
            ) as response:
                body = self._read(response)
                status = response.status_code
        except requests.RequestException as error:
            raise RemoteError(f"{self.url} cannot be reached ({type(error).__name__})") from error
        return self._judge(status, body)

    def _read(self, response: Any) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise RemoteError(f"{self.url} sent more than {MAX_ANSWER_BYTES:,} bytes; the answer was dropped")
        return bytes(body)

    def _judge(self, status: int, body: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RemoteError(f"{self.url} answered HTTP {status} with something that is not JSON") from error
        if not isinstance(answer, dict):
            raise RemoteError(f"{self.url} answered JSON that is no object")
        if status >= 400 or answer.get("result") == "error" or "error" in answer:
            raise RemoteError(f"{self.url} refuses: {_reason(answer, status)}")
        if status >= 300:
            raise RemoteError(f"{self.url} answered HTTP {status}, a redirect, which is not followed")
        return answer


def _reason(answer: dict[str, Any], status: int) -> str:
    for name in ("error", "message", "status"):
        if isinstance(answer.get(name), str) and answer[name]:
            return str(answer[name])[:300]
    return f"HTTP {status}"
