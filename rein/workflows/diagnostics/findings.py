"""What a check of an installation finds, in the shape of `causeway doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """`FAIL` keeps Rein from working, or endangers keys or money."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: what it is about, a sentence, and what to do where something is to be done."""

    check: str
    severity: Severity
    message: str
    hint: str | None = None

    def json(self) -> dict[str, Any]:
        return {"check": self.check, "verdict": self.severity.value, "message": self.message, "hint": self.hint}


@dataclass(frozen=True)
class Examination:
    """All findings, and the version of each part of the installation."""

    findings: Sequence[Finding]
    versions: Mapping[str, str | None]

    @property
    def healthy(self) -> bool:
        """Whether nothing keeps Rein from working, or endangers keys or money."""
        return all(each.severity is not Severity.FAIL for each in self.findings)

    def json(self) -> dict[str, Any]:
        return {
            "healthy": self.healthy,
            "findings": [each.json() for each in self.findings],
            "versions": dict(self.versions),
        }


def ok(check: str, message: str) -> Finding:
    return Finding(check, Severity.OK, message)


def warn(check: str, message: str, hint: str) -> Finding:
    return Finding(check, Severity.WARN, message, hint)


def fail(check: str, message: str, hint: str) -> Finding:
    return Finding(check, Severity.FAIL, message, hint)
