"""The result of a check of an installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rein.findings import Finding, Level


@dataclass(frozen=True)
class Examination:
    """All findings, and the version of each part of the installation."""

    findings: Sequence[Finding]
    versions: Mapping[str, str | None]

    @property
    def healthy(self) -> bool:
        """Whether nothing keeps Rein from working, or endangers keys or money."""
        return all(each.verdict is not Level.FAIL for each in self.findings)

    def json(self) -> dict[str, Any]:
        return {
            "healthy": self.healthy,
            "findings": [asdict(each) for each in self.findings],
            "versions": dict(self.versions),
        }
