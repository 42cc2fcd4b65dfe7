"""What the checks of `causeway doctor` find."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check found. `hint` says what to do about it."""

    verdict: Verdict
    what: str
    hint: str | None = None


def ok(what: str) -> Finding:
    return Finding(Verdict.OK, what)


def warn(what: str, hint: str) -> Finding:
    return Finding(Verdict.WARN, what, hint)


def fail(what: str, hint: str) -> Finding:
    return Finding(Verdict.FAIL, what, hint)
