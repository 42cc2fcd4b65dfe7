"""Questions to a causeway server and its answers: JSON objects, over the HTTP of `rein.chain.http`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from rein.chain.http import Http, HttpError, Limits, Reply, strict_json
from rein.errors import InputError, RemoteError

CONNECT_SECONDS = 5
READ_SECONDS = 20
"""Silence for so long means that a server is gone."""
TOTAL_SECONDS = 120
"""From the question to the last byte of the answer, however busily a server trickles."""
MAX_ANSWER_BYTES = 32 * 2**20
"""A causeway puts 4 MB of documents into an answer, and JSON may need six letters for one. Parsed, this may become
twenty-six times as much memory."""

_MAX_URL = 300
_DEFAULT_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(\[[^]@]*\]|[^]:@[]*)(:[0-9]*)?")
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9_.~-]+)*/*")


def normal_url(text: str) -> str:
    """The one spelling of a server's address: scheme, host, port unless it is the scheme's own, path, and a slash at
    the end.

    :raises InputError: it is no http(s) address, or holds a name and password, a query or a fragment.
    """
    given = text if "://" in text else f"http://{text}"
    try:
        if not (given.isascii() and given.isprintable() and len(given) <= _MAX_URL):
            raise ValueError("an address is up to 300 plain characters")
        parts = urlsplit(given)
        port = parts.port
        host = _normal_host(parts.hostname or "", in_brackets=parts.netloc.startswith("["))
    except ValueError as error:
        raise InputError(
            f"{text[:60]!r} is no server address: {error}", hint="One looks like http://causeway.example:2016"
        ) from error
    if not _AUTHORITY.fullmatch(parts.netloc) or parts.query or parts.fragment:
        raise InputError(f"the server address {text[:60]!r} holds more than scheme, host, port and path")
    if parts.scheme not in _DEFAULT_PORTS or port == 0 or not _PATH.fullmatch(parts.path):
        raise InputError(f"{text[:60]!r} is no server address", hint="One looks like http://causeway.example:2016")
    shown_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}{parts.path.rstrip('/')}/"


def _normal_host(host: str, *, in_brackets: bool) -> str:
    if in_brackets and "%" not in host:  # a zone (%eth0) means something on one machine only
        return f"[{ipaddress.IPv6Address(host)}]"
    if not _HOST_NAME.fullmatch(host) or ".." in host:
        raise ValueError("it has no host name")
    return host


class RefusedError(RemoteError):
    """The server answered, with an error. `said` is its code for programs, `retry_after` in seconds."""

    def __init__(self, message: str, *, said: str | None, retry_after: int | None) -> None:
        super().__init__(message)
        self.said = said
        self.retry_after = retry_after


class Transport:
    """One server, over one kept-alive connection. Not for use by two threads at a time.

    :param proxy: as in `Http`; without one, a proxy of the environment is used.
    """

    def __init__(self, url: str, proxy: str | None = None) -> None:
        self.url = url
        self._http = Http(proxy, environment=True)

    def get(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """GET with query parameters; the JSON object that is answered.

        :raises RemoteError: unreachable, too slow, too large, no JSON object, or an error told by the server.
        """
        return self._ask("GET", path, params=dict(parameters))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a JSON object. As `get`."""
        return self._ask("POST", path, json=dict(body))

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        limits = Limits(CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS, MAX_ANSWER_BYTES)
        try:
            reply = self._http.exchange(method, self.url + path, limits, **arguments)
        except HttpError as error:
            raise RemoteError(f"{self.url} {error.reason}") from error
        return self._judge(reply)

    def _judge(self, reply: Reply) -> dict[str, Any]:
        status, body = reply.status, reply.body
        try:
            answer = strict_json(body)
        except ValueError as error:
            raise RemoteError(f"{self.url} answered HTTP {status} with something that is not JSON") from error
        if not isinstance(answer, dict):
            raise RemoteError(f"{self.url} answered JSON that is no object")
        if status >= 400 or answer.get("result") == "error" or "error" in answer:
            said = answer.get("code")
            raise RefusedError(
                f"{self.url} refuses: {_reason(answer, status)}",
                said=said if isinstance(said, str) else None,
                retry_after=reply.retry_after,
            )
        if status >= 300:
            raise RemoteError(f"{self.url} answered HTTP {status}, a redirect, which is not followed")
        return answer


def _reason(answer: dict[str, Any], status: int) -> str:
    for name in ("error", "message", "status"):
        if isinstance(answer.get(name), str) and answer[name]:
            return " ".join(str(answer[name])[:300].split())  # one line: it must not look like several of ours
    return f"HTTP {status}"
