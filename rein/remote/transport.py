"""Requests to a causeway server and its responses: JSON objects, over the HTTP client of `rein.net.http`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rein.errors import InputError, RefusedError, RemoteError
from rein.net.http import Http, HttpError, Limits, Reply
from rein.net.strict_json import strict_json

CONNECT_SECONDS = 5
READ_SECONDS = 20
"""A server that sends nothing for so long has failed."""
TOTAL_SECONDS = 120
"""From the request to the last byte of the response, however slowly a server sends."""
MAX_ANSWER_BYTES = 32 * 2**20
"""A causeway puts 4 MB of documents into an answer, and JSON may need six letters for one. How much memory it becomes
is bounded too (`rein.net.strict_json.MAX_VALUES`)."""

NOT_MODIFIED = 304
_NOT_FOUND = 404

_SAID = ("error", "message", "status")
_CODE = re.compile(r"[a-z0-9_]{1,60}")
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
            f"{text[:60]!r} is not a server address: {error}", hint="One looks like http://causeway.example:2016"
        ) from error
    if not _AUTHORITY.fullmatch(parts.netloc) or parts.query or parts.fragment:
        raise InputError(f"the server address {text[:60]!r} holds more than scheme, host, port and path")
    if parts.scheme not in _DEFAULT_PORTS or port == 0 or not _PATH.fullmatch(parts.path):
        raise InputError(f"{text[:60]!r} is not a server address", hint="One looks like http://causeway.example:2016")
    shown_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}{parts.path.rstrip('/')}/"


def _normal_host(host: str, *, in_brackets: bool) -> str:
    if in_brackets and "%" not in host:  # a zone (%eth0) means something on one machine only
        return f"[{ipaddress.IPv6Address(host)}]"
    if not _HOST_NAME.fullmatch(host) or ".." in host:
        raise ValueError("it has no host name")
    return host


@dataclass(frozen=True)
class Response:
    """A response: a JSON object, or nothing with status 304."""

    status: int
    headers: Mapping[str, str]
    data: dict[str, Any]


class Transport:
    """One server, over one kept-alive connection. Not for use by two threads at a time, but for `abort`.

    :param proxy: as in `Http`; without one, a proxy of the environment is used.
    """

    def __init__(self, url: str, proxy: str | None = None) -> None:
        self.url = url
        self._http = Http(proxy, environment=True)

    def get(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """GET with query parameters; the JSON object of the response.

        :raises RemoteError: unreachable, too slow, too large, no JSON object.
        :raises RefusedError: an error told by the server.
        """
        return self.request("GET", path, params=dict(parameters)).data

    def request(self, method: str, path: str, **arguments: Any) -> Response:
        """Send a request; `arguments` are params, data and headers, as requests has them. Raises as `get`."""
        limits = Limits(CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS, MAX_ANSWER_BYTES)
        try:
            reply = self._http.exchange(method, self.url + path, limits, **arguments)
        except HttpError as error:
            raise RemoteError(f"{self.url} {error.reason}") from error
        if reply.status == NOT_MODIFIED and "If-None-Match" in arguments.get("headers", {}):
            return Response(reply.status, reply.headers, {})
        return Response(reply.status, reply.headers, self._read(path, reply))

    def abort(self) -> None:
        """End the request that is under way, from another thread, and allow no other."""
        self._http.give_up()

    def close(self) -> None:
        self._http.close()

    def _read(self, path: str, reply: Reply) -> dict[str, Any]:
        status = reply.status
        try:
            answer = strict_json(reply.body)
        except ValueError as error:
            if status == _NOT_FOUND:
                raise RemoteError(
                    f"{self.url} has no {path} (HTTP 404): it is a causeway of 2016, or none at all",
                    hint="One of 2016 has no feed, so it will not do. Ask its operator to upgrade, or take another.",
                ) from error
            raise RemoteError(f"{self.url} answered HTTP {status} with something that is not JSON") from error
        if not isinstance(answer, dict):
            raise RemoteError(f"{self.url} answered JSON that is not an object")
        if status >= 400 or answer.get("result") == "error" or "error" in answer:
            raise refused(self.url, answer, status, reply.retry_after)
        if status >= 300:
            raise RemoteError(f"{self.url} answered HTTP {status}, a redirect, which is not followed")
        return answer


def refused(who: str, answer: Mapping[str, Any], status: int = 200, retry_after: int | None = None) -> RefusedError:
    """The error in a response: of the versioned API, or of the legacy one."""
    error = answer.get("error")
    detail = error if isinstance(error, dict) else answer
    code = detail.get("code")
    reason = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    said = next((one_line(detail[name]) for name in _SAID if isinstance(detail.get(name), str) and detail[name]), None)
    hint = detail.get("hint")
    return RefusedError(
        f"{who} refuses: {said or f'HTTP {status}'}",
        reason=reason,
        retry_after=retry_after,
        hint=one_line(hint) if isinstance(hint, str) and hint else None,
    )


def one_line(text: str) -> str:
    """A server's text on one line: it must not look like several of ours."""
    return " ".join(text[:300].split())
