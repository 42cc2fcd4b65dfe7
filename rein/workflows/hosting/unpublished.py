"""Documents that only this home holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rein.protocol.values import DocumentId
from rein.workflows.session import Session

_NAMED = 5
"""Documents that a sentence names; a home may have written any number."""


@dataclass(frozen=True)
class Unpublished:
    """A document of who acts that no server was proved to hold. `job_id` is None for an enrollment."""

    document_id: DocumentId
    kind: str
    job_id: str | None

    def __str__(self) -> str:
        job = f" in job {self.job_id}" if self.job_id else ""
        return f"{self.kind} {self.document_id[:12]}{job}"

    def json(self) -> dict[str, Any]:
        return {"document_id": self.document_id, "kind": self.kind, "job_id": self.job_id}


def unpublished(session: Session) -> list[Unpublished]:
    """What who acts has written and nobody else can read, as it would be uploaded: enrollments first, then by age."""
    return [
        Unpublished(signed.id, signed.document.KIND.value, getattr(signed.document, "job_id", None))
        for each in session.store.documents.unpublished_ids(session.network.name, session.address)
        if (signed := session.store.documents.get(each)) is not None
    ]


def in_words(documents: Sequence[Unpublished]) -> str:
    """Documents by kind, the beginning of their id and their job; the first few of many."""
    names = ", ".join(map(str, documents[:_NAMED]))
    return names if len(documents) <= _NAMED else f"{names}, and {len(documents) - _NAMED:,} more"
