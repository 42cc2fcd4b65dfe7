"""A measured figure beside its limit, and how both are measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; `limit` is what the same machine did in the same run with nothing of ours around it."""

    name: str
    value: float
    unit: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name:<44}{self.value:>12,.0f} {self.unit:<9}{self.value / self.limit:>8.2f} of the limit"


def rate(run: Callable[[], object], seconds: float) -> float:
    """How often a second. Runs once before, so that nothing is measured that happens once only."""
    run()
    count, began = 0, time.perf_counter()
    deadline = began + seconds
    while time.perf_counter() < deadline:
        run()
        count += 1
    return count / (time.perf_counter() - began)
