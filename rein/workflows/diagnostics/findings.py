"""What looking an installation over finds, in the shape of `causeway doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How well something is. `FAIL` keeps Rein from working, or endangers keys or money."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is about, a sentence, and what to do where something is to be done."""

    check: str
    verdict: Verdict
    message: str
    hint: str | None = None


def ok(check: str, message: str) -> Finding:
    return Finding(check, Verdict.OK, message)


def warn(check: str, message: str, hint: str) -> Finding:
    return Finding(check, Verdict.WARN, message, hint)


def fail(check: str, message: str, hint: str) -> Finding:
    return Finding(check, Verdict.FAIL, message, hint)
