"""Requests to all servers of an identity at once: a thread each, so that one slow or dead server delays no other."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rein.errors import ReinError, RemoteError
from rein.remote.causeway import Causeway

T = TypeVar("T")

STRAGGLER_SECONDS = 5.0
"""How long the others are waited for once as many servers are done without an error as are not; three times as long
while those who are not are the most. What they sent until then is kept."""
ROUND_SECONDS = 300.0
"""How long servers are waited for at all."""
_WAITING_REPORTS = 4
_TICK_SECONDS = 0.1


@dataclass(frozen=True)
class Report(Generic[T]):
    """What the work at one server produced (`value`), why it ended early (`error`), or that it is done (neither)."""

    url: str
    value: T | None = None
    error: ReinError | None = None

    @property
    def is_last(self) -> bool:
        return self.value is None


Emit = Callable[[T], None]


def run_on_all(servers: Sequence[Causeway], work: Callable[[Causeway, Emit[T]], None]) -> Iterator[Report[T]]:
    """Do the same work at every server, in parallel, and yield each result as it comes.

    :param work: calls its second argument with each result; it waits there until the result is consumed.
    """
    results: queue.Queue[Report[T] | BaseException] = queue.Queue(_WAITING_REPORTS * len(servers) or 1)
    over = threading.Event()
    for server in servers:
        threading.Thread(target=_run, args=(server, work, results, over), daemon=True).start()
    pending = {server.url: server for server in servers}
    done = 0
    waited, since_one_was_done = 0.0, 0.0
    try:
        while pending:
            began = time.monotonic()
            try:
                report = results.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                report = None
            idle = time.monotonic() - began  # only while nothing is here: what we do with it is not their fault
            waited, since_one_was_done = waited + idle, since_one_was_done + idle
            if isinstance(report, BaseException):
                raise report
            if report is not None:
                if report.is_last:
                    pending.pop(report.url, None)
                    since_one_was_done = 0.0
                    done += report.error is None
                yield report
            if waited > ROUND_SECONDS or since_one_was_done > _patience(done, len(pending)):
                break
    finally:
        over.set()
        for server in pending.values():
            server.abort()
    for url in pending:
        yield Report(url, error=RemoteError(f"{url} is slow and was left behind; what it sent until then is kept"))


def _patience(done: int, pending: int) -> float:
    if done == 0:
        return ROUND_SECONDS
    return STRAGGLER_SECONDS if done >= pending else 3 * STRAGGLER_SECONDS


def _run(
    server: Causeway,
    work: Callable[[Causeway, Emit[T]], None],
    results: queue.Queue[Report[T] | BaseException],
    over: threading.Event,
) -> None:
    def put(report: Report[T] | BaseException) -> None:
        while not over.is_set():
            try:
                return results.put(report, timeout=_TICK_SECONDS)
            except queue.Full:
                continue
        raise RemoteError(f"{server.url} was left behind")

    last: Report[T] | BaseException
    try:
        work(server, lambda value: put(Report(server.url, value)))
        last = Report(server.url)
    except ReinError as error:
        last = Report(server.url, error=error)
    except BaseException as mistake:  # noqa: BLE001 - a mistake of ours, raised where somebody sees it
        last = mistake
    if not over.is_set():
        put(last)
