"""A numbered list that a person picks from, page by page: by the number, the name or its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

QUIT: Final = "q"
_LINES_BESIDE = 3
"""The question, what is said of a wrong answer, and a line of what stood there before."""
_LEAST_ROWS = 5


@dataclass(frozen=True)
class Pages:
    """Which part of a list is on the screen.

    :ivar rows: options on a page.
    :ivar number: the page, from 0.
    """

    total: int
    rows: int
    number: int = 0

    @property
    def count(self) -> int:
        return -(-self.total // self.rows)

    @property
    def shown(self) -> range:
        """The options on this page."""
        return range(self.number * self.rows, min((self.number + 1) * self.rows, self.total))

    @property
    def keys(self) -> str:
        """What may be typed besides a number or a name."""
        following = ["n for the next page"] if self.number + 1 < self.count else []
        before = ["p for the one before"] if self.number else []
        return ", ".join([*following, *before, f"{QUIT} to quit"])

    def turned(self, key: str) -> Pages | None:
        """The page after a key; None where the key turns none."""
        to = self.number + {"n": 1, "p": -1}.get(key, 0)
        return replace(self, number=to) if to != self.number and 0 <= to < self.count else None


def pages(total: int, lines: int) -> Pages:
    """A list on a screen of so many lines."""
    return Pages(total, max(lines - _LINES_BESIDE, _LEAST_ROWS))


def picked(answer: str, names: Sequence[Sequence[str]]) -> list[int]:
    """The options that an answer means: that of the number, else all of which a name begins so, in any case. A name is
    nobody's own, so that one which is typed in full does not win over a longer one."""
    if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(names):
        return [int(answer) - 1]
    wanted = answer.casefold()
    return [
        index for index, each in enumerate(names) if wanted and any(name.casefold().startswith(wanted) for name in each)
    ]
