"""A read rate for each peer: an allowance per minute, saved up for one minute."""

from __future__ import annotations

import time
from collections.abc import Callable

_MINUTE_S = 60


class Allowance:
    """An amount that is spent and refills over time. What is read is known only after it was read, so more than
    there was may be spent once; then nothing may be until it has come back."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = a_minute
        self._clock = clock
        self._left = float(a_minute)
        self._at = clock()

    def spend(self, amount: int) -> None:
        self._refill()
        self._left -= amount

    def is_left(self) -> bool:
        """Whether anything may be spent now."""
        self._refill()
        return self._left > 0

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._most / _MINUTE_S)
        self._at = now
