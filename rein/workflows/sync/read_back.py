"""Asking servers for documents by id, as everybody does, and comparing what they give with what is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rein.errors import ReinError
from rein.protocol.signed import verify
from rein.protocol.values import DocumentId
from rein.protocol.wire import MAX_BATCH
from rein.remote.causeway import Causeway


@dataclass(frozen=True)
class Checked:
    """Which documents a server was asked for, which it did not give, and for which it gave another text."""

    asked: frozenset[DocumentId]
    missing: frozenset[DocumentId]
    altered: frozenset[DocumentId]

    @property
    def lost(self) -> frozenset[DocumentId]:
        """What it did not give as it is here."""
        return self.missing | self.altered

    @property
    def given(self) -> frozenset[DocumentId]:
        """What it gave as it is here."""
        return self.asked - self.lost

    def of(self, ids: Sequence[DocumentId]) -> Checked:
        """The part about these documents."""
        return Checked(self.asked.intersection(ids), self.missing.intersection(ids), self.altered.intersection(ids))


def read_back(server: Causeway, ids: Sequence[DocumentId], texts: Mapping[DocumentId, str]) -> Checked:
    """Ask one server. It costs nobody's transfer.

    :param texts: armored, as they stand here.
    :raises RemoteError: it cannot be asked.
    """
    missing, altered = set[DocumentId](), set[DocumentId]()
    todo = list(ids)
    while todo:
        portion = todo[:MAX_BATCH]
        found = server.documents(portion)
        missing |= found.missing
        altered |= {each for each, text in found.texts.items() if not _is_same(text, texts.get(each), each)}
        left = [each for each in portion if each not in found.texts and each not in found.missing]
        if len(left) == len(portion):
            missing.update(left)
            left = []
        todo = left + todo[len(portion) :]
    return Checked(frozenset(ids), frozenset(missing - altered), frozenset(altered))


def _is_same(given: str, mine: str | None, document_id: DocumentId) -> bool:
    """Byte for byte; or the same text under another spelling of a signature, which somebody else may have stored."""
    if given == mine:
        return True
    try:
        return bool(verify(given).id == document_id)
    except ReinError:
        return False
