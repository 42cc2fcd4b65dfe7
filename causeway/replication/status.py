"""The state of the peers, for /status and /metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from causeway.db.engine import Database
from causeway.ops.metrics import PEER_BEHIND, PEER_FAILURES, PEER_REFUSED, PEER_SECONDS, PEER_TAKEN, Sample
from causeway.outbound import Peer
from causeway.replication.models import State, peer, replica
from causeway.replication.progress import behind
from causeway.settings import Settings


@dataclass(frozen=True, kw_only=True)
class PeerStatus:
    """The state of a server that documents are pulled from.

    `state` is new, ok, behind, failing or paused, and `why` says why. `cursor` is the number up to which its feed was
    read, `latest` its last number, `behind` what is missing between them. Counts of documents: `taken`, `refused` (they
    do not verify), `skipped` (their signer's share is used up); `resets` of the feed, `failures` in a row.
    """

    url: str
    state: str
    why: str | None = None
    cursor: int = 0
    latest: int = 0
    behind: int = 0
    seconds_since_success: int | None = None
    failures: int = 0
    taken: int = 0
    refused: int = 0
    skipped: int = 0
    resets: int = 0


def peers_of(database: Database, settings: Settings) -> list[PeerStatus]:
    """The peers of the settings, in their order."""
    if not settings.peers:
        return []
    return database.read(lambda connection: read_peers(connection, settings.peers))


def read_peers(connection: Connection, peers: Sequence[Peer]) -> list[PeerStatus]:
    """Each peer, in the order of the settings; one that was never asked, too."""
    since = func.extract("epoch", func.now() - peer.c.succeeded)
    statement = select(peer, behind().label("behind"), since.label("since"))
    rows = {row.url: row for row in connection.execute(statement.where(peer.c.url.in_([each.url for each in peers])))}
    return [_status(each.url, rows.get(each.url)) for each in peers]


def _status(url: str, row: object) -> PeerStatus:
    if row is None:
        return PeerStatus(url=url, state=State.NEW.value)
    return PeerStatus(
        url=url,
        **{name: getattr(row, name) for name in ("state", "why", "cursor", "latest", "behind", "failures")},
        **{name: getattr(row, name) for name in ("taken", "refused", "skipped", "resets")},
        seconds_since_success=None if row.since is None else int(row.since),  # type: ignore[attr-defined]  # a row
    )


def kept_bytes(connection: Connection) -> int:
    """Bytes of the documents that are kept for peers."""
    return int(connection.scalar(select(func.coalesce(func.sum(replica.c.size), 0))) or 0)


def samples(peers: Sequence[PeerStatus]) -> dict[Sample, float]:
    """The same as metrics. Seconds since the last success are left out where there was none."""
    found: dict[Sample, float] = {}
    for each in peers:
        found[PEER_BEHIND.name, each.url] = each.behind
        found[PEER_FAILURES.name, each.url] = each.failures
        found[PEER_TAKEN.name, each.url] = each.taken
        found[PEER_REFUSED.name, each.url] = each.refused
        if each.seconds_since_success is not None:
            found[PEER_SECONDS.name, each.url] = each.seconds_since_success
    return found
