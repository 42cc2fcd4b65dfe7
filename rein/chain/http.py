"""HTTP with everything a hostile server could do to a client bounded or refused: the floor of all conversations.

Bounded are the size of an answer and the time for all of it. Refused are redirects, cookies, compressed answers and
certificates that nobody vouches for. With a proxy, nothing connects past it and no name is resolved here.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from rein.errors import InputError

if TYPE_CHECKING:
    import requests

    from rein.chain.session import Session

_LOG = logging.getLogger(__name__)
_CHUNK: Final = 65_536
MAX_VALUES: Final = 200_000
"""In an answer of JSON: a page of a feed holds some thousands."""
_FEW_BYTES: Final = 2**20
"""What is no longer cannot become much."""
_SOCKS: Final = "socks5h"  # the h: the proxy resolves names, not this machine


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
    """No answer. `reason` is what the other side did, to be read after its name: each room has its own error for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Http:
    """Connections, kept alive. Not for use by two threads at a time, but for `give_up`.

    :param proxy: "socks5h://host:port"; everything goes through it, and fails with it.
    :param environment: whether a proxy named in the environment is used where none is given; never to reach this
        machine itself.
    :raises InputError: the proxy is no address of one.
    """

    def __init__(self, proxy: str | None = None, *, environment: bool = False) -> None:
        self._proxy = None if proxy is None else checked_proxy(proxy)
        self._environment = environment
        self._session: Session | None = None
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
        import http.client

        import requests
        import urllib3

        session = self._open()
        if _is_here(url):  # else a proxy of the environment would be told of it
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
            http.client.HTTPException,
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

    def _open(self) -> Session:
        if self._session is None:
            from rein.chain.session import Session, Watch

            self._watch = Watch()
            self._session = Session(self._watch, self._proxy, environment=self._environment)
        return self._session


def checked_proxy(text: str) -> str:
    """A SOCKS5 proxy's address as "socks5h://host:port".

    :raises InputError: it is none. A proxy that lets this machine resolve names (`socks5://`) is none either.
    """
    try:
        parts = urlsplit(text if "://" in text else f"{_SOCKS}://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    is_plain = not (parts.path or parts.query or parts.fragment or parts.username) and text.isprintable()
    if parts.scheme != _SOCKS or not host or not port or not is_plain:
        raise InputError(
            f"{text[:60]!r} is no address of a SOCKS5 proxy", hint="Tor's looks like 127.0.0.1:9050 on most machines."
        )
    return f"{_SOCKS}://[{host}]:{port}" if ":" in host else f"{_SOCKS}://{host}:{port}"


def proxy_for(url: str, proxy: str | None) -> str | None:
    """The proxy to reach an address through: none for this machine itself, which no proxy elsewhere can reach."""
    return None if _is_here(url) else proxy


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why(error: Exception) -> str:
    """What kept two machines apart, as far as the one in front of this one can do something about it."""
    import requests

    if not isinstance(error, requests.exceptions.SSLError):
        return f"cannot be reached ({type(error).__name__})"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "cannot be reached: it shows a certificate that nobody vouches for whom this machine trusts"
    return "cannot be reached: it does not speak TLS (https) as it should"


def strict_json(data: bytes, parse_float: Callable[[str], object] = float) -> Any:
    """The value a JSON text stands for; ValueError for anything that two readers could read differently.

    That is: no name twice in an object, no NaN and no infinity, no brackets without end, no numbers without bounds. And
    not so many values that they take far more memory than the text does.
    """
    _check_values(data)
    try:
        return json.loads(
            data.decode(),
            parse_float=parse_float,
            parse_constant=_no_constant,
            object_pairs_hook=_object_without_repeats,
        )
    # ArithmeticError: an exponent beyond what Decimal can hold.
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("beyond what can be read") from error


def _check_values(data: bytes) -> None:
    """Count what stands outside of strings before anything is made of it: `[[],[],…]` becomes twenty times as large."""
    if len(data) <= _FEW_BYTES:
        return
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') <= 4 * MAX_VALUES:  # a name and a value
        outside = b"".join(plain.split(b'"')[::2])
        if sum(map(outside.count, (b",", b"[", b"{"))) <= MAX_VALUES:
            return
    raise ValueError(f"more than {MAX_VALUES:,} values")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _read(response: requests.Response, most: int) -> bytes:
    from rein.chain.session import read_plain

    body = bytearray()
    while chunk := read_plain(response, _CHUNK):
        body += chunk
        if len(body) > most:
            raise HttpError(f"sent more than {most:,} bytes; the answer was dropped")
    return bytes(body)


def _date(headers: Mapping[str, str]) -> int | None:
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(headers["Date"]).timestamp())
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _retry_after(headers: Mapping[str, str]) -> int | None:
    text = headers.get("Retry-After", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
