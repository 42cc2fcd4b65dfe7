"""Whose turn it is in a job. Apart from the rest, so that `rein status` need not load what decides on it."""

from __future__ import annotations

from enum import Enum


class Turn(Enum):
    """Whose turn it is, the most urgent first."""

    ACT = "act"
    WAIT = "wait"
    NOTHING = "nothing"
