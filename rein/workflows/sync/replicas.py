"""Which documents each server was proved to hold for me, under which keys, and what it lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rein.protocol.values import DocumentId
from rein.remote.causeway import remote_key
from rein.store.tables.servers import Placement
from rein.workflows.hosting.warnings import LITTLE_SPACE
from rein.workflows.session import Session
from rein.workflows.sync.others import documents_of_others

_NAME_BYTES = 32
"""Of the key under which a document is stored: the bucket pays for it, too."""


@dataclass(frozen=True)
class Lacking:
    """What a server does not hold: of mine, and of others as much as my buckets have room for; `left_out` more of
    others have none."""

    mine: list[DocumentId]
    others: list[DocumentId]
    left_out: int

    def __bool__(self) -> bool:
        return bool(self.mine or self.others)


class Replicas:
    """The copies of the documents that one identity gives to its servers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.mine: Sequence[DocumentId] = session.store.documents.own_ids(session.network.name, session.address)
        self.others = self._documents_of_others()
        self._placed = {server.url: session.store.servers.placements(server.url) for server in session.servers}

    def refresh(self) -> None:
        """Take in what came meanwhile, and leave out what was withdrawn."""
        here = self._session.store.documents.known(self.mine)
        self.mine = [each for each in self.mine if each in here]
        self.others = self._documents_of_others()

    def _documents_of_others(self) -> list[DocumentId]:
        mine = set(self.mine)
        return [each for each in documents_of_others(self._session) if each not in mine]

    def held(self, url: str, ids: Iterable[DocumentId]) -> list[DocumentId]:
        """Those of the documents that a server was proved to hold."""
        return [each for each in ids if self.is_proved(url, each)]

    def is_proved(self, url: str, document_id: DocumentId) -> bool:
        placement = self._placed[url].get(document_id)
        return placement is not None and placement.proved

    def lacking(self, url: str) -> Lacking:
        """What of mine a server does not hold, and what of others for which my buckets there have room. Some room is
        reserved for what I write next: who receives much must not be silenced by it."""
        mine = [each for each in self.mine if not self.is_proved(url, each)]
        others = [each for each in self.others if not self.is_proved(url, each)]
        texts = self._session.store.documents.texts(others + mine)
        sizes = {each: len(text.encode()) + _NAME_BYTES for each, text in texts.items()}
        row = next(
            (each for each in self._session.store.servers.of_identity(self._session.identity.id) if each.url == url),
            None,
        )
        left = (row.bytes_free if row else 0) - LITTLE_SPACE - sum(sizes.get(each, 0) for each in mine)
        fitting = []
        for each in others:
            if sizes.get(each, left + 1) <= left:
                fitting.append(each)
                left -= sizes[each]
        return Lacking(mine, fitting, len(others) - len(fitting))

    def keys(self, url: str, ids: Iterable[DocumentId]) -> dict[DocumentId, str]:
        """Under which key each document is stored; those without one are named first. Keys are remembered before the
        request, so that a crash in between makes the next sync overwrite the same keys instead of paying for others,
        and so that no document is withdrawn that somebody may have."""
        wanted = list(ids)
        secret, placed = self._session.keyring.storage_secret, self._placed[url]
        unnamed = [each for each in wanted if each not in placed]
        self._store(url, [Placement(each, url, remote_key(secret, url, each), proved=False) for each in unnamed])
        return {each: placed[each].remote_key for each in wanted}

    def set_proved(self, url: str, ids: Collection[DocumentId], *, proved: bool) -> None:
        """Remember what a server gave back, or did not."""
        self._store(url, [Placement(each, url, self._placed[url][each].remote_key, proved) for each in ids])

    def _store(self, url: str, placements: Sequence[Placement]) -> None:
        self._session.store.servers.set_placements(placements)
        self._placed[url].update({each.document_id: each for each in placements})
