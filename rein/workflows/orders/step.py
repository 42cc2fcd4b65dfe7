"""What is next for one person, in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from rein.workflows.orders.due import Due


@dataclass(frozen=True)
class Step:
    """What is next for one person, and whether it is that person's turn."""

    due: Due
    text: str


def act(text: str) -> Step:
    return Step(Due.ACT, text)


def wait(text: str) -> Step:
    return Step(Due.WAIT, text)


def nothing(text: str) -> Step:
    return Step(Due.NOTHING, text)
