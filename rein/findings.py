"""What the checks of an installation find: of `rein doctor` and of `causeway doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How well something is. `FAIL` keeps the program from working, or endangers keys, documents or money."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was checked, how well it is, a sentence, and what to do where something is to be
    done. The names are those of the JSON output."""

    check: str
    verdict: Level
    message: str
    hint: str | None = None


def ok(check: str, message: str) -> Finding:
    return Finding(check, Level.OK, message)


def warn(check: str, message: str, hint: str | None = None) -> Finding:
    return Finding(check, Level.WARN, message, hint)


def fail(check: str, message: str, hint: str | None = None) -> Finding:
    return Finding(check, Level.FAIL, message, hint)
