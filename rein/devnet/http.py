"""The node's HTTP door: loopback only, a cookie for a key, POST and nothing else (Core's httprpc.cpp)."""

from __future__ import annotations

import base64
import hmac
import logging
import secrets
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from rein.devnet.rpc.dispatch import Dispatcher
from rein.errors import InputError
from rein.net.proxy import is_loopback_host

logger = logging.getLogger(__name__)

COOKIE_NAME: Final = ".cookie"
COOKIE_USER: Final = "__cookie__"
MAX_BODY: Final = 0x02000000  # bytes, Core's MAX_SIZE
WRONG_PASSWORD_DELAY: Final = 0.25  # seconds, Core's, against guessing
IDLE_TIMEOUT: Final = 120  # seconds a connection may stay silent


def new_cookie() -> str:
    """Credentials in Core's form: "__cookie__:" and 64 hexadecimal digits."""
    return f"{COOKIE_USER}:{secrets.token_hex(32)}"


class RpcServer(ThreadingHTTPServer):
    """Serves a Dispatcher to this machine. One thread a connection; the node's own lock keeps calls apart."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, cookie: str, dispatcher: Dispatcher) -> None:
        """Bind at once (port 0: any free one). InputError when the host is not loopback or the port is taken."""
        if not is_loopback_host(host):
            raise InputError(
                f"the development node listens on this machine only, not on {host}", hint="use 127.0.0.1 or ::1"
            )
        self.dispatcher = dispatcher
        self.credentials = b"Basic " + base64.b64encode(cookie.encode())
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise InputError(
                f"cannot listen on {host} port {port}: {error.strerror}", hint="is another node running there?"
            ) from error

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        shown = host.decode() if isinstance(host, bytes) else str(host)
        return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"

    def server_bind(self) -> None:
        # HTTPServer's own asks the resolver for this machine's name, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening and end the connections that are still open."""
        super().server_close()
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the other side was quicker

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("connection from %s broke off", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: RpcServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_TIMEOUT
    # Head and body in one packet: sent apart, the second waits 40 ms for the other side to acknowledge the first.
    wbufsize = -1
    disable_nagle_algorithm = True
    server_version = "Rein-devnet"
    sys_version = ""

    def do_POST(self) -> None:
        if not self._is_for_us():
            self._refuse(403, "this node answers to loopback names only")
        elif not self._is_authorised():
            time.sleep(WRONG_PASSWORD_DELAY)
            self._refuse(401, "")
        elif urlsplit(self.path).path != "/":
            self._refuse(404, "")
        else:
            self._serve()

    def _not_allowed(self) -> None:
        self._refuse(405, "JSONRPC server handles only POST requests")

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _not_allowed  # noqa: N815 - the base class's names

    def _is_for_us(self) -> bool:
        """A page that points its own name at 127.0.0.1 (DNS rebinding) still sends its own name as Host."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1:
            return False
        try:
            return is_loopback_host(urlsplit(f"//{hosts[0]}").hostname or "")
        except ValueError:
            return False

    def _is_authorised(self) -> bool:
        given = self.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self.server.credentials)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._refuse(411, "Content-Length is needed")
        elif len(length) > 9 or int(length) > MAX_BODY:
            self._refuse(413, "the request is too large")
        else:
            status, text = self.server.dispatcher.answer(self.rfile.read(int(length)))
            self._send(status, text.encode())

    def _refuse(self, status: int, text: str) -> None:
        # The body was not read: what follows on this connection cannot be told from it.
        self.close_connection = True
        self._send(status, text.encode(), "text/plain")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="jsonrpc"')
        if status == 405:
            self.send_header("Allow", "POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        logger.debug(format, *args)
