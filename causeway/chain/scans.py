"""Scanning for the unspent outputs of scripts. A node reads its whole set of outputs, for a minute or more.

So one scan runs at a time, beside the requests; whoever asks waits for a few seconds, then is told to ask again, and
finds the answer when it is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from causeway.errors import ScanningError
from rein.chain.source import ChainSource, Output, largest
from rein.errors import ChainError

GOOD_FOR_S: Final = 30
"""How long an answer is given out without another scan."""

PATIENCE_S: Final = 4
"""How long a request waits for its scan. Only one waits at a time, as waiting threads answer no others."""

RETRY_AFTER_S: Final = 5


@dataclass
class _Scan:
    """One scan: running until `finished`, then with an answer or none."""

    scripts: frozenset[bytes]
    finished: threading.Event
    found: list[Output] | None = None
    error: ChainError | None = None
    until: float = 0.0


class Scans:
    """Scans by a node of its own connection. The last answer is kept."""

    def __init__(self, chain: ChainSource, clock: Callable[[], float] = time.monotonic) -> None:
        self._chain = chain
        self._clock = clock
        self._lock = threading.Lock()
        self._patient = threading.Lock()
        self._last: _Scan | None = None

    def find(self, scripts: frozenset[bytes]) -> list[Output]:
        """The confirmed unspent outputs of the scripts, of each the MAX_OUTPUTS largest, the largest first.

        :raises ScanningError: ask again: a scan is running, for these or others.
        :raises ChainError: the node does not answer.
        """
        scan = self._scan(scripts)
        if not scan.finished.is_set() and self._patient.acquire(blocking=False):
            try:
                scan.finished.wait(PATIENCE_S)
            finally:
                self._patient.release()
        if not scan.finished.is_set():
            raise ScanningError("a scan for these outputs is running", retry_after=RETRY_AFTER_S)
        if scan.error is not None:
            raise scan.error
        return scan.found or []

    def _scan(self, scripts: frozenset[bytes]) -> _Scan:
        """The scan of these scripts, begun unless it runs already or its answer is still good."""
        with self._lock:
            last = self._last
            if last is not None and not last.finished.is_set():
                if last.scripts == scripts:
                    return last
                raise ScanningError("the server is looking for others' outputs", retry_after=RETRY_AFTER_S)
            if last is not None and last.scripts == scripts and self._clock() < last.until:
                return last
            self._last = _Scan(scripts, threading.Event())
            threading.Thread(target=self._run, args=(self._last,), daemon=True, name="scan").start()
            return self._last

    def _run(self, scan: _Scan) -> None:
        try:
            scan.found = largest(self._chain.unspent_outputs(sorted(scan.scripts)))
            scan.until = self._clock() + GOOD_FOR_S
        except ChainError as error:
            scan.error = error
        finally:
            scan.finished.set()
