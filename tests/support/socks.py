"""A tiny SOCKS5 proxy (RFC 1928) that writes down what it is asked for, and leads every name to one place, or to the
loopback."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer

from tests.support.serving import serving

_NAME = 3
_LENGTHS = {1: 4, 4: 16}


@dataclass
class Socks:
    """`asked` has what clients wanted to reach: ("name", host, port), or ("address", its bytes in hex, port)."""

    target: tuple[str, int] | None
    port: int = 0
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"socks5h://127.0.0.1:{self.port}"


@contextmanager
def socks_server(target: tuple[str, int] | None = None) -> Iterator[Socks]:
    """One that runs on the loopback until the block ends; every connection ends up at `target`, or, where there is
    none, on the loopback at the port that was asked for."""
    found = Socks(target)

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self._greet()
                kind = self.rfile.read(4)[3]
                length = self.rfile.read(1)[0] if kind == _NAME else _LENGTHS[kind]
                host = self.rfile.read(length)
                (port,) = struct.unpack(">H", self.rfile.read(2))
                name = ("name", host.decode()) if kind == _NAME else ("address", host.hex())
                found.asked.append((*name, port))
                with socket.create_connection(found.target or ("127.0.0.1", port)) as upstream:
                    self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
                    self._join(upstream)

        def _greet(self) -> None:
            methods = self.rfile.read(2)[1]
            self.rfile.read(methods)
            self.wfile.write(b"\x05\x00")

        def _join(self, upstream: socket.socket) -> None:
            back = threading.Thread(target=_copy, args=(upstream, self.connection))
            back.start()
            _copy(self.connection, upstream)
            back.join()

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Handler)
    found.port = int(server.server_address[1])
    with serving(server):
        yield found


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
