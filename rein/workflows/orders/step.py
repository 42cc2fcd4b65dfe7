"""What is next for one person, in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from rein.workflows.orders.turn import Turn


@dataclass(frozen=True)
class Step:
    """What is next for one person, and whether it is that person's turn."""

    due: Turn
    text: str


def act(text: str) -> Step:
    return Step(Turn.ACT, text)


def wait(text: str) -> Step:
    return Step(Turn.WAIT, text)


def nothing(text: str) -> Step:
    return Step(Turn.NOTHING, text)
