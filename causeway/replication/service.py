"""Ingesting a page of a peer's feed: documents are verified like any other, indexed as ours, and charged to nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ARRAY, Connection, String, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError

from causeway.auth import service as auth
from causeway.db.base import bind, parameter
from causeway.db.engine import Database, LostRaceError
from causeway.kv.incoming import IncomingDocument, read_incoming
from causeway.replication.feed import OfferedDocument
from causeway.replication.models import peer, replica
from causeway.search import index
from causeway.search.models import document
from causeway.search.tombstones import deleted_here
from rein.btc.networks import MAINNET, Network
from rein.errors import ReinError


@dataclass
class Budget:
    """Bytes that may still be kept for a peer, and of them by one signer."""

    peer_bytes: int
    signer_bytes: int


@dataclass(frozen=True)
class IngestResult:
    """What became of a page: documents seen, taken, refused and skipped, bytes kept, the number up to which it is done
    with, and whether there was no room for the next one."""

    cursor: int
    seen: int = 0
    taken: int = 0
    refused: int = 0
    skipped: int = 0
    kept: int = 0
    full: bool = False


class ReadElsewhereError(Exception):
    """Somebody else has read this peer meanwhile."""


@dataclass(frozen=True)
class _Candidate:
    """A document by our own reading. `incoming` is None where it is stored here already."""

    id: str
    signer: str
    size: int
    incoming: IncomingDocument | None


@dataclass
class _Outcome:
    """What is found out while a page is gone through: `full_at` is the number of the first that did not fit."""

    kept: list[_Candidate] = field(default_factory=list)
    skipped: int = 0
    full_at: int | None = None


class FeedIngester:
    """Takes pages. One transaction for each; the cursor moves with what was read."""

    def __init__(self, database: Database, network: Network) -> None:
        self._database = database
        self._network = network

    def budget(self, url: str, kept_bytes: int, peers: int, signer_bytes: int) -> Budget:
        """What may still be kept for a peer that is one of so many."""

        def ask(connection: Connection) -> Budget:
            total = connection.scalar(_KEPT) or 0
            its = connection.scalar(_KEPT.where(replica.c.peer == url)) or 0
            return Budget(min(kept_bytes - total, kept_bytes // peers - its), signer_bytes)

        return self._database.read(ask)

    def ingest(
        self, url: str, cursor: int, offered: Sequence[OfferedDocument], end: int, budget: Budget
    ) -> IngestResult:
        """Keep what is worth keeping of a page behind `cursor` that reaches up to `end`.

        :raises ReadElsewhereError: the cursor is another by now.
        """
        checked: dict[OfferedDocument, _Candidate | None] = {}
        return self._database.write(
            lambda connection: self._ingest(connection, url, cursor, offered, end, budget, checked)
        )

    def _ingest(
        self,
        connection: Connection,
        url: str,
        cursor: int,
        offered: Sequence[OfferedDocument],
        end: int,
        budget: Budget,
        checked: dict[OfferedDocument, _Candidate | None],
    ) -> IngestResult:
        candidates, bad = self._sift(connection, offered, checked)
        needless = _needless(connection, [candidate for _, candidate in candidates])
        outcome = _choose(connection, candidates, needless, budget)
        reached = end if outcome.full_at is None else outcome.full_at - 1
        # What comes after that is read again.
        refused = _store(connection, url, outcome) + sum(seq <= reached for seq in bad)
        moved = connection.execute(
            update(peer)
            .where(peer.c.url == url, peer.c.cursor == cursor)
            .values(
                cursor=reached,
                taken=peer.c.taken + len(outcome.kept),
                refused=peer.c.refused + refused,
                skipped=peer.c.skipped + outcome.skipped,
            )
        )
        if moved.rowcount != 1:
            raise ReadElsewhereError
        return IngestResult(
            cursor=reached,
            seen=len(offered),
            taken=len(outcome.kept),
            refused=refused,
            skipped=outcome.skipped,
            kept=sum(each.size for each in outcome.kept),
            full=outcome.full_at is not None,
        )

    def _sift(
        self,
        connection: Connection,
        offered: Sequence[OfferedDocument],
        checked: dict[OfferedDocument, _Candidate | None],
    ) -> tuple[list[tuple[int, _Candidate]], list[int]]:
        """What may be taken, by its number, and the numbers of what is refused."""
        known = _known(connection, [each.id for each in offered])
        good: list[tuple[int, _Candidate]] = []
        bad: list[int] = []
        for each in offered:
            if each.id not in known and each not in checked:
                checked[each] = self._check(each)
            candidate = known.get(each.id) or checked[each]
            if candidate is None:
                bad.append(each.seq)
            else:
                good.append((each.seq, candidate))
        return good, bad

    def _check(self, offered: OfferedDocument) -> _Candidate | None:
        """A document as we read it ourselves; None if it does not verify, or is not the one it is said to be."""
        try:
            # On a test network legacy documents are test documents, whatever they say.
            incoming = read_incoming(offered.text, self._network, testnet=self._network is not MAINNET)
        except ReinError:
            return None
        if incoming is None or incoming.signed.id != offered.id:
            return None
        described = incoming.description
        size = len(incoming.signed.armored.encode())
        return _Candidate(described.id, described.signer, size, incoming)


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, _Candidate]:
    rows = connection.execute(_KNOWN, bind(ids=list(ids)))
    return {row.id: _Candidate(row.id, row.signer, row.size, None) for row in rows}


def _needless(connection: Connection, candidates: Sequence[_Candidate]) -> set[str]:
    """Those that are kept for a peer already, or are not to come back. What authors keep here themselves is kept for
    the peer, too: others may rely on it when they delete it."""
    ids = [each.id for each in candidates]
    return deleted_here(connection, ids).union(connection.scalars(_KEPT_ALREADY, bind(ids=ids)))


def _choose(
    connection: Connection, candidates: Sequence[tuple[int, _Candidate]], needless: set[str], budget: Budget
) -> _Outcome:
    """Which are kept: all that fit, up to the first for which the peer has no space left."""
    outcome = _Outcome()
    seen = set(needless)
    signers = sorted({each.signer for _, each in candidates})
    used: Counter[str] = Counter(
        {row.signer: int(row.bytes) for row in connection.execute(_BY_SIGNER, bind(signers=signers))}
    )
    left = budget.peer_bytes
    for seq, each in candidates:
        if each.id in seen:
            continue
        seen.add(each.id)
        if used[each.signer] + each.size > budget.signer_bytes:
            outcome.skipped += 1
            continue
        if each.size > left:
            outcome.full_at = seq
            break
        left -= each.size
        used[each.signer] += each.size
        outcome.kept.append(each)
    return outcome


def _store(connection: Connection, url: str, outcome: _Outcome) -> int:
    """Index what is kept and note for whom; how many the database did not take."""
    stored = []
    for each in outcome.kept:
        try:
            # What is refused here must leave nothing behind, and not keep us from the rest of the feed for ever.
            with connection.begin_nested():
                if each.incoming is not None:
                    index.add(connection, each.incoming)
                    auth.remember_delegation(connection, each.incoming.signed)
        except DataError:
            continue
        stored.append(each)
    refused = len(outcome.kept) - len(stored)
    outcome.kept = stored
    # Deleted while this was going on: now it is known.
    if _needless(connection, stored):
        raise LostRaceError
    if stored:
        rows = [{"document_id": each.id, "peer": url, "signer": each.signer, "size": each.size} for each in stored]
        connection.execute(insert(replica).on_conflict_do_nothing(), rows)
    return refused


_ids = func.unnest(parameter("ids", ARRAY(String))).table_valued("id", name="offered").render_derived()
_KNOWN = select(document.c.id, document.c.signer, document.c.size).where(document.c.id.in_(select(_ids.c.id)))
_KEPT_ALREADY = select(replica.c.document_id).where(replica.c.document_id.in_(select(_ids.c.id)))
_KEPT = select(func.coalesce(func.sum(replica.c.size), 0))
_BY_SIGNER = (
    select(replica.c.signer, func.sum(replica.c.size).label("bytes"))
    .where(replica.c.signer == func.any(parameter("signers", ARRAY(String))))
    .group_by(replica.c.signer)
)
