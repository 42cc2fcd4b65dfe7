"""What is next for one person in an order, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Turn(Enum):
    """Whose turn it is, the most urgent first."""

    ACT = "act"
    WAIT = "wait"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Step:
    """What is next for one person, in a sentence, and whether it is that person's turn."""

    due: Turn
    text: str


def act(text: str) -> Step:
    return Step(Turn.ACT, text)


def wait(text: str) -> Step:
    return Step(Turn.WAIT, text)


def nothing(text: str) -> Step:
    return Step(Turn.NOTHING, text)
