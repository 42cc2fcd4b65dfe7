"""A requests session that a hostile server cannot hold up, send elsewhere, overfill or make remember anything.

Loaded only when somebody is really asked something: requests takes 200 ms.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter


class Watch:
    """Ends an exchange at its deadline by shutting the socket down, whatever read it is stuck in.

    A socket's timeout starts again with every byte, and a server can trickle all of an answer: the status line,
    headers, lengths of chunks, the body. One exchange at a time; `expired` tells whether the last one was over its
    time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._socket: socket.socket | None = None
        self._exchange = 0
        self.expired = False

    def start(self, seconds: float) -> None:
        """Begin an exchange that may take so long."""
        with self._lock:
            self._exchange += 1
            self.expired = False
            self._timer = threading.Timer(seconds, self._expire, [self._exchange])
            self._timer.daemon = True
        self._timer.start()

    def attend(self, connection: socket.socket | None) -> None:
        """The answer is about to be read from this socket."""
        with self._lock:
            self._socket = connection
            self._shut_if_expired()

    def stop(self) -> None:
        """End the exchange."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._exchange += 1
            self._socket = None

    def cut(self) -> None:
        """End the exchange that is going on, if there is one, as if its time were over."""
        with self._lock:
            self.expired = True
            self._shut_if_expired()

    def _expire(self, exchange: int) -> None:
        with self._lock:
            if exchange == self._exchange:  # else it ended while this waited
                self.expired = True
                self._shut_if_expired()

    def _shut_if_expired(self) -> None:
        if self.expired and self._socket is not None:
            with contextlib.suppress(OSError):  # it is closed already
                self._socket.shutdown(socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """Shows the watch every socket an answer is read from, behind a proxy too."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self._observe(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **named)
        if is_new:
            self._observe(manager)
        return manager

    def _observe(self, manager: Any) -> None:
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: _observed(pool, self._watch) for scheme, pool in pools.items()}


def _observed(pool: Any, watch: Watch) -> Any:
    """The pool class, with connections that tell the watch before they read."""

    def getresponse(self: Any, *arguments: Any, **named: Any) -> Any:
        watch.attend(self.sock)
        return super(connection, self).getresponse(*arguments, **named)

    connection: Any = type(pool.ConnectionCls.__name__, (pool.ConnectionCls,), {"getresponse": getresponse})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


class Session(requests.Session):
    """Follows nothing, keeps no cookie, takes no password from a `.netrc`, and asks for plain bytes.

    With a `proxy`, nothing is asked past it, whatever the environment says. Without one, that of the environment is
    used where `environment` says so. An answer that comes compressed all the same is not unpacked by
    `read_plain`, so that the bytes counted are the bytes received.
    """

    def __init__(self, watch: Watch, proxy: str | None, *, environment: bool) -> None:
        super().__init__()
        self.trust_env = environment and proxy is None  # else `no_proxy` would lead past the proxy
        if proxy is not None:
            self.proxies = {"http": proxy, "https": proxy}
        self.headers.update({"User-Agent": "rein", "Accept": "application/json", "Accept-Encoding": "identity"})
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.auth = _no_credentials  # requests looks into .netrc only when this is empty
        adapter = WatchedAdapter(watch)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: Any) -> None:
        """Nowhere. Otherwise requests reads the whole body of a redirect, however large, though it follows none."""


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def read_plain(response: requests.Response, size: int) -> bytes:
    """The next bytes of the body, at most `size`; empty at the end."""
    data: bytes = response.raw.read(size, decode_content=False)
    return data
