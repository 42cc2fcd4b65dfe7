"""HTTP with everything a hostile server could do to a client bounded or refused; all conversations stand on it.

Bounded are the size of an answer and the time for all of it. Refused are redirects, cookies, compressed answers and
certificates that nobody vouches for. With a proxy, nothing connects past it and no name is resolved here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from rein.lazy import lazy
from rein.net.proxy import checked_proxy, is_loopback

if TYPE_CHECKING:
    from email import utils as email_utils
    from http import client as http_client

    import requests
    import urllib3

    from rein.net import bounded_session
else:
    email_utils = lazy("email.utils")
    http_client = lazy("http.client")
    requests = lazy("requests")
    urllib3 = lazy("urllib3")
    bounded_session = lazy("rein.net.bounded_session")

_LOG = logging.getLogger(__name__)
_CHUNK: Final = 65_536


@dataclass(frozen=True)
class Limits:
    """What one exchange may take. `read_seconds` is how long the other side may be silent, `total_seconds` the time
    from the question to the last byte of the answer, however busily it trickles."""

    connect_seconds: float
    read_seconds: float
    total_seconds: float
    answer_bytes: int


@dataclass(frozen=True)
class Reply:
    """An answer as it came. `headers` know no upper and lower case; `retry_after` is in seconds, where the other side
    asked for patience; `date` is its clock, in seconds since 1970, where it told."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    retry_after: int | None = None
    date: int | None = None


class HttpError(Exception):
    """No answer. `reason` is what the other side did, to be read after its name; every caller has an error of
    its own."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Http:
    """Connections, kept alive. Not for use by two threads at a time, but for `give_up`.

    :param proxy: "socks5h://host:port"; everything goes through it, and fails with it.
    :param environment: whether a proxy named in the environment is used where none is given; never to reach this
        machine itself.
    :raises InputError: the address of the proxy is invalid.
    """

    def __init__(self, proxy: str | None = None, *, environment: bool = False) -> None:
        self._proxy = None if proxy is None else checked_proxy(proxy)
        self._environment = environment
        self._session: bounded_session.Session | None = None
        self._watch: Any = None
        self._given_up = False

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def give_up(self) -> None:
        """End the exchange that is going on, from another thread, and allow no other."""
        self._given_up = True
        if self._watch is not None:
            self._watch.cut()

    def exchange(self, method: str, url: str, limits: Limits, **arguments: Any) -> Reply:
        """Ask; the answer, whatever its status. `arguments` are those of requests: params, json, data, headers, auth.

        :raises HttpError: there is no whole answer within the limits.
        """
        session = self._open()
        if is_loopback(url):  # else a proxy of the environment would be told of it
            arguments["proxies"] = {"no_proxy": urlsplit(url).hostname or ""}
        self._watch.start(limits.total_seconds)
        try:
            if self._given_up:  # asked after the start: what is given up from now on cuts this exchange
                raise HttpError("was given up")
            with session.request(
                method,
                url,
                timeout=(min(limits.connect_seconds, limits.total_seconds), limits.read_seconds),
                stream=True,
                allow_redirects=False,
                **arguments,
            ) as response:
                body = _read(response, limits.answer_bytes)
                headers = response.headers
                reply = Reply(response.status_code, body, headers, _retry_after(headers), _date(headers))
            if self._watch.expired:
                raise TimeoutError  # what was read may look whole, and be cut short
        # urllib3, http.client and the socket let some of their own errors through requests.
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http_client.HTTPException,
            OSError,
            ValueError,
        ) as error:
            if self._given_up:
                raise HttpError("was given up") from error
            if self._watch.expired:
                raise HttpError(f"takes longer than {limits.total_seconds:g} seconds to answer") from error
            raise HttpError(_why(error)) from error
        finally:
            self._watch.stop()
        _LOG.info("%s %s: %d, %d bytes", method, url, reply.status, len(reply.body))
        return reply

    def _open(self) -> bounded_session.Session:
        if self._session is None:
            self._watch = bounded_session.Watch()
            self._session = bounded_session.Session(self._watch, self._proxy, environment=self._environment)
        return self._session


def _why(error: Exception) -> str:
    """What kept two machines apart, as far as the one in front of this one can do something about it."""
    if not isinstance(error, requests.exceptions.SSLError):
        return f"cannot be reached ({type(error).__name__})"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "cannot be reached: it shows a certificate that nobody vouches for whom this machine trusts"
    return "cannot be reached: it does not speak TLS (https) as it should"


def _read(response: requests.Response, most: int) -> bytes:
    body = bytearray()
    while chunk := bounded_session.read_plain(response, _CHUNK):
        body += chunk
        if len(body) > most:
            raise HttpError(f"sent more than {most:,} bytes; the answer was dropped")
    return bytes(body)


def _date(headers: Mapping[str, str]) -> int | None:
    try:
        return int(email_utils.parsedate_to_datetime(headers["Date"]).timestamp())
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _retry_after(headers: Mapping[str, str]) -> int | None:
    text = headers.get("Retry-After", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
