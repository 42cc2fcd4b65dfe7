"""Running the server: its database, its worker processes, and a shutdown that loses nothing."""

from __future__ import annotations

import copy
import errno
import http.client
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import click
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer
from sqlalchemy import URL

from causeway import housekeeping
from causeway.app import create_app
from causeway.db.embedded import EmbeddedPostgres
from causeway.db.engine import Database, parse_url
from causeway.db.installation import open_installation
from causeway.db.migrate import upgrade
from causeway.errors import DatabaseError, ListenError
from causeway.ops.logs import LOGGING, configure_logs
from causeway.ops.shared import shared_file
from causeway.settings import Settings
from rein.errors import ReinError

BACKLOG = 1024
HEADER_TIMEOUT_MS = 20_000
MAX_HEADER_BYTES = 131_072
"""Bytes of a request line and headers: a query string of 64 KiB fits."""

WORKER_STOP_S = 3
"""Seconds that requests have to finish when the server stops."""

ORPHAN_STOP_S = 1
PORT_PATIENCE_S = 3
READY_TIMEOUT_S = 30
DATABASE_LOOK_S = 1
"""How often the first process checks whether the embedded database is still there."""


def serve(settings: Settings) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Prints one line when it is ready to answer.

    :raises ReinError: the address, the database or the data directory cannot be used.
    """
    _stop_on(signal.SIGTERM, signal.SIGHUP)
    with _database(settings) as (url, embedded), shared_file() as shared:
        upgrade(url)
        _check_installation(url, settings)
        host, port = _claim_port(settings.host, settings.port)
        running = replace(settings, port=port, database_url=url.render_as_string(hide_password=False))
        server = _WorkerServer(
            "causeway",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=MAX_HEADER_BYTES),
            websockets=False,
            workers=settings.workers,
            blocking_threads=settings.threads,
            backlog=BACKLOG,
            respawn_failed_workers=True,
            workers_kill_timeout=WORKER_STOP_S,
            log_level=LogLevels.error,
            log_dictconfig=copy.deepcopy(LOGGING),
        )
        server.announce = partial(_announce, running)
        server.embedded = embedded
        server.serve(target_loader=partial(load_worker, running, shared), wrap_loader=False)
        if server.lost_database:
            raise DatabaseError(
                "the embedded PostgreSQL has died, and the server with it",
                hint=f"Start it again: nothing is lost. Why it died may be in {settings.data / 'postgres' / 'log'}.",
            )


@contextmanager
def database_url(settings: Settings) -> Iterator[URL]:
    """The operator's database, or the embedded one, running for as long as the context lasts."""
    with _database(settings) as (url, _):
        yield url


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[URL, EmbeddedPostgres | None]]:
    if settings.database_url is not None:
        yield parse_url(settings.database_url), None
        return
    embedded = EmbeddedPostgres(settings.data)
    try:
        embedded.start()
        yield embedded.url, embedded
    finally:
        embedded.stop()


def load_worker(settings: Settings, shared: Path) -> Flask:
    """The application, in a worker process of its own."""
    # Ctrl-C reaches every process of the terminal's group. Only the first one is to act on it and end the others.
    os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    configure_logs(settings.log_format, requests=settings.log_requests)
    app = create_app(settings, shared)
    housekeeping.start(settings)
    return app


class _WorkerServer(MPServer):
    """Granian, and word when it answers. Ends when the embedded database dies: whoever started the server starts it
    again, and with it the database; two who repair the same thing would be in each other's way."""

    announce: Callable[[], None]
    embedded: EmbeddedPostgres | None = None
    lost_database = False

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # granian's, not annotated
        # A closed terminal ends the server; granian would only renew its workers.
        signal.signal(signal.SIGHUP, self.signal_handler_interrupt)
        # Not before the workers were forked: a thread might hold a lock at that moment, for ever in the child.
        threading.Thread(target=self.announce, daemon=True).start()
        if self.embedded is not None:
            threading.Thread(target=self._end_with_database, args=(self.embedded,), daemon=True).start()

    def _end_with_database(self, embedded: EmbeddedPostgres) -> None:
        while embedded.is_listening():
            time.sleep(DATABASE_LOOK_S)
        self.lost_database = True
        os.kill(os.getpid(), signal.SIGTERM)


def _stop_on(*signals: signal.Signals) -> None:
    """Until granian takes the signals over, they end the start like Ctrl-C does, so that what was begun is undone."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for each in signals:
        signal.signal(each, interrupt)


def _check_installation(url: URL, settings: Settings) -> None:
    """Find out here, and not in each worker, whether the database can be used."""
    database = Database(url, connections=1)
    try:
        database.write(lambda connection: open_installation(connection, settings.network))
    except DatabaseError:
        raise
    except ReinError as error:
        raise DatabaseError(error.message, hint=error.hint) from error
    finally:
        database.close()


def _claim_port(host: str, port: int) -> tuple[str, int]:
    """The IP address to listen on and a port that is free; 0 picks one.

    The workers share their port by SO_REUSEPORT, which would also let a second server share it unnoticed: so it is
    tried without. Workers that outlived a killed server need a moment to notice.
    """
    deadline = time.monotonic() + PORT_PATIENCE_S
    while True:
        try:
            return _try_port(host, port)
        except (OSError, UnicodeError) as error:
            is_taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            if not is_taken or time.monotonic() > deadline:
                reason = getattr(error, "strerror", None) or "invalid host name or address"
                raise ListenError(
                    f"{host} port {port} cannot be listened on: {reason}",
                    hint="Choose another with --host and --port (0: any free one).",
                ) from error
        time.sleep(0.1)


def _try_port(host: str, port: int) -> tuple[str, int]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        name = probe.getsockname()
        return str(name[0]), int(name[1])


def _announce(settings: Settings) -> None:
    """Print the line that people and programs wait for, once a request is answered."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  # not bound here
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection(local, settings.port, timeout=5)
            connection.request("GET", "/help")
            ready = connection.getresponse().status == 200
            connection.close()
        except (OSError, http.client.HTTPException):
            ready = False
        if ready:
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            with suppress(OSError):
                click.echo(f"causeway is listening on http://{host}:{settings.port} ({settings.network.name})")
            return
        time.sleep(0.02)


def _end_with_parent() -> None:
    """End this worker when the first process is gone, even if it was killed without a word."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_STOP_S)
    os._exit(1)
