"""The node as a program: one data directory, one port, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rein.devnet import faucet
from rein.devnet.http import COOKIE_NAME, RpcServer, new_cookie
from rein.devnet.journal import DataLock
from rein.devnet.kernel import import_pbk
from rein.devnet.node import Node
from rein.devnet.rpc.dispatch import Dispatcher
from rein.files import write_whole

logger = logging.getLogger(__name__)

DEFAULT_PORT: Final = 18443  # Core's for regtest
DEFAULT_PREMINE: Final = 101
"""Blocks: the first coinbases can be spent at once."""
_POLL: Final = 0.1  # seconds between looks at a signal's flag


def run(
    data: Path,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    premine: int = DEFAULT_PREMINE,
    ready: Callable[[str, Path], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Run a regtest node in `data` until SIGINT, SIGTERM, the `stop` RPC or the event; then close it cleanly.

    Port 0 takes any free one. A chain without blocks gets `premine` blocks for the faucet. `ready` is called once,
    with the URL and the cookie file, when the node answers; before that every RPC answers -28. Signals are
    handled in the main thread only. InputError when the directory is in use, damaged or another chain's, when the
    port is taken or not loopback, or when pbk is not installed.
    """
    import_pbk()  # what is missing is said before a port is taken
    stopping = stop or threading.Event()
    with (
        _signals() as signalled,
        DataLock(data) as lock,
        _serving(data, host, port, stopping) as (server, dispatcher),
        Node(data, lock) as node,
    ):
        if node.chain.height == 0 and premine:
            node.mine(premine, faucet.SCRIPT)
        logger.info("regtest node at %s, height %d", server.url, node.chain.height)
        dispatcher.node = node
        if ready is not None:
            ready(server.url, data / COOKIE_NAME)
        while not signalled and not stopping.wait(_POLL):
            pass
        dispatcher.node = None


@contextmanager
def _serving(data: Path, host: str, port: int, stopping: threading.Event) -> Iterator[tuple[RpcServer, Dispatcher]]:
    """Listens from the start, so that a taken port is known before any work; -28 until the dispatcher has a node."""
    dispatcher, cookie_file = Dispatcher(stopping), data / COOKIE_NAME
    cookie = new_cookie()
    with RpcServer(host, port, cookie, dispatcher) as server:
        write_whole(cookie_file, cookie.encode(), replace=True)
        thread = threading.Thread(target=server.serve_forever, args=(_POLL,), name="devnet-http")
        thread.start()
        try:
            yield server, dispatcher
        finally:
            server.shutdown()
            thread.join()
            cookie_file.unlink(missing_ok=True)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM where Python lets us: in the main thread."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    # The handler only notes the signal: Event.set() inside one can deadlock with the wait() it interrupts.
    before = {
        number: signal.signal(number, lambda got, _frame: received.append(got))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
