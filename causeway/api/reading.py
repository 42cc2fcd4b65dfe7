"""Reading bodies, so that clients who send slowly do not hold the threads that answer.

The WSGI server hands a request to a thread as soon as its headers are there, and reading the body then blocks for as
long as the client likes: thirty-two connections that never end theirs would be the end of the service. So the body is
read by a thread of another kind, of which there may be many, and waited for with a limit; and only some of the
threads that answer may wait for bodies at a time.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import IO

from causeway.errors import BusyError, SlowBodyError

READ_TIMEOUT_S = 10.0
MAX_READERS = 256
TURN_TIMEOUT_S = 0.1

_HINT = "Try again in a moment."


class _Reading:
    """One body, while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.done = threading.Event()
        self.body = b""
        self.error: Exception | None = None
        self._stream = stream

    def run(self) -> None:
        try:
            # Werkzeug's limit on a body of unknown length cuts it off, and raises at the next read only.
            self.body = self._stream.read() + self._stream.read(1)
        except Exception as error:  # noqa: BLE001  # it is raised again, in the thread that waits
            self.error = error
        finally:
            self.done.set()


class BodyReader:
    """Reads the bodies of one process. `waiting` threads at most wait for a body at a time."""

    def __init__(self, waiting: int, *, readers: int = MAX_READERS, timeout_s: float = READ_TIMEOUT_S) -> None:
        self._turns = threading.BoundedSemaphore(waiting)
        self._timeout_s = timeout_s
        self._queue: SimpleQueue[_Reading] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._may_start = threading.Semaphore(readers)

    def read(self, stream: IO[bytes]) -> bytes:
        """The whole of a request's stream (which refuses to be longer than the application's MAX_CONTENT_LENGTH).

        :raises ApiError: SlowBodyError, or BusyError where too many are being read.
        """
        if not self._turns.acquire(timeout=TURN_TIMEOUT_S):
            raise BusyError("the server is reading too many requests", hint=_HINT)
        try:
            reading = _Reading(stream)
            self._hand_over(reading)
            if not reading.done.wait(self._timeout_s):
                raise SlowBodyError(f"the body did not arrive within {self._timeout_s:g} seconds", hint=_HINT)
        finally:
            self._turns.release()
        if reading.error is not None:
            raise reading.error
        return reading.body

    def _hand_over(self, reading: _Reading) -> None:
        if not self._idle.acquire(blocking=False):
            if not self._may_start.acquire(blocking=False):
                raise BusyError("the server is reading too many requests", hint=_HINT)
            # A daemon: one that waits for a silent client must not keep the process from ending.
            threading.Thread(target=self._work, name="body-reader", daemon=True).start()
        self._queue.put(reading)

    def _work(self) -> None:
        while True:
            self._queue.get().run()
            self._idle.release()
