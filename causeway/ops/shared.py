"""Memory that the worker processes of one server share: a file that each of them maps.

    16 bytes                      a random key, by which addresses are scattered over the table of rates
    SLOTS x SLOT_BYTES            counters: a slot for each worker, which alone writes it
    RATE_BYTES                    the table of rates, written by all

A worker's slot is its own by a lock on the slot's first byte: the system gives it back when the process ends, however
it ends, and the next worker goes on counting from there.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

KEY_BYTES = 16
SLOTS = 72
"""As many workers as there may be, and some that are on their way out."""

SLOT_BYTES = 131_072
RATE_BYTES = 2_097_152

_RATES_BEGIN = KEY_BYTES + SLOTS * SLOT_BYTES
_TOTAL = _RATES_BEGIN + RATE_BYTES


@contextmanager
def shared_file() -> Iterator[Path]:
    """A file for the workers of one server, for as long as the context lasts."""
    descriptor, name = tempfile.mkstemp(prefix="causeway-workers-")
    try:
        os.truncate(descriptor, _TOTAL)
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.close(descriptor)
        yield Path(name)
    finally:
        with suppress(OSError):
            os.unlink(name)


class SharedMemory:
    """The memory, as one worker sees it. Without a path it is this process's alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: IO[bytes] | None = path.open("r+b") if path is not None else None
        self._memory = memoryview(mmap.mmap(self._file.fileno() if self._file else -1, _TOTAL))
        if self._file is None:
            self._memory[:KEY_BYTES] = secrets.token_bytes(KEY_BYTES)
        self.key = bytes(self._memory[:KEY_BYTES])
        self.rates = self._memory[_RATES_BEGIN:]
        self.own_slot = self._claim()

    def slots(self) -> list[memoryview]:
        """The counters of all workers, gone or not."""
        return [self._slot(number) for number in range(SLOTS if self._file else 1)]

    def _claim(self) -> memoryview:
        if self._file is None:
            return self._slot(0)
        for number in range(SLOTS):
            with suppress(BlockingIOError, PermissionError):
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, KEY_BYTES + number * SLOT_BYTES)
                return self._slot(number)
        # More workers than slots cannot be started; if they were, one that is not counted still serves.
        return memoryview(bytearray(SLOT_BYTES))

    def _slot(self, number: int) -> memoryview:
        begin = KEY_BYTES + number * SLOT_BYTES
        return self._memory[begin : begin + SLOT_BYTES]
