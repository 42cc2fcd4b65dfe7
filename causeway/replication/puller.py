"""Pull rounds: each peer that is due is asked for what is new, within limits of time, documents, bytes and space."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from causeway.db.engine import Database
from causeway.errors import BusyError, PeerError
from causeway.outbound import Peer
from causeway.replication import progress
from causeway.replication.allowance import Allowance
from causeway.replication.feed import Feed, FeedPage, HttpFeed
from causeway.replication.models import State
from causeway.replication.service import Budget, FeedIngester, IngestResult, ReadElsewhereError
from causeway.settings import PullLimits
from rein.btc.networks import Network
from rein.errors import ReinError

log = logging.getLogger(__name__)

TURN_S = 60
"""Seconds that one peer may take of a round, and the one answer that is under way."""

MANY_REFUSED = 20
"""Documents that do not verify in one turn, and more of them than of others, make a peer one that fails. A newer
causeway has some that this one cannot read."""

DOUBTS = 2
"""How often in a row a feed must end before our cursor until it counts as restarted: where a server writes, its end
may step back for a moment."""


@dataclass(frozen=True)
class Allowances:
    """What may be read of one peer in a minute. Each page counts as a document, too: empty ones without end cost."""

    documents: Allowance
    bytes: Allowance

    def spend(self, page: FeedPage) -> None:
        self.documents.spend(len(page.documents) + 1)
        self.bytes.spend(page.size)

    def is_left(self) -> bool:
        return self.documents.is_left() and self.bytes.is_left()


@dataclass(frozen=True)
class PullResult:
    """How a peer's turn ended."""

    state: State
    why: str | None
    latest: int
    taken: int
    doubts: int = 0


class Puller:
    """Pulls from all peers, one after the other. One process at a time should; if two do, no harm comes of it."""

    def __init__(
        self,
        database: Database,
        network: Network,
        peers: Sequence[Peer],
        limits: PullLimits,
        own_id: str,
        *,
        open_feed: Callable[[Peer], Feed] = HttpFeed,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """:param own_id: the name of this server's own feed."""
        self._database = database
        self._ingester = FeedIngester(database, network)
        self._peers = tuple(peers)
        self._limits = limits
        self._own_id = own_id
        self._open_feed = open_feed
        self._clock = clock
        self._allowances: Mapping[Peer, Allowances] = {
            each: Allowances(Allowance(limits.documents), Allowance(limits.bytes)) for each in peers
        }

    def pull(self) -> int:
        """One round; how many documents were taken.

        :raises ApiError: the database is busy or gone; what was taken so far stays.
        """
        return sum(self._pull_from(each) for each in self._peers)

    def _pull_from(self, peer: Peer) -> int:
        now = self._clock()
        known = progress.read(self._database, peer.url, now)
        if known.next_try is not None and known.next_try > now:
            return 0
        if not self._allowances[peer].is_left():
            return 0
        feed = self._open_feed(peer)
        try:
            turn = self._read(peer, known, feed)
        except PeerError as error:
            self._failed(peer, known, error.message, error.wait_s)
            return 0
        except ReadElsewhereError:
            return 0
        except BusyError as error:
            self._failed(peer, known, error.message)
            return 0
        except ReinError:
            raise
        except Exception as error:  # noqa: BLE001  # one peer must not keep us from the others
            # Where, never what: messages of libraries repeat what people sent.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("pulling: unexpected %s\n%s", type(error).__qualname__, where)  # noqa: TRY400
            self._failed(peer, known, "this server has a fault that keeps it from reading it; the log says where")
            return 0
        finally:
            feed.close()
        progress.succeeded(
            self._database, peer.url, turn.state, turn.why, self._clock(), latest=turn.latest, doubts=turn.doubts
        )
        return turn.taken

    def _failed(self, peer: Peer, known: progress.PeerProgress, why: str, wait_s: int = 0) -> None:
        progress.failed(self._database, peer.url, why, self._clock(), failures=known.failures, wait_s=wait_s)
        if not known.failures:  # once, and not again for every hour that it is away
            log.warning("the peer %s: %s", peer.url, why)

    def _read(self, peer: Peer, known: progress.PeerProgress, feed: Feed) -> PullResult:
        if known.reread:
            known = self._begin(peer, known.server)
        allowances = self._allowances[peer]
        limits = self._limits
        budget = self._ingester.budget(peer.url, limits.kept_bytes, len(self._peers), limits.signer_bytes)
        deadline = time.monotonic() + TURN_S
        latest, cursor, sum_ = known.cursor, known.cursor, IngestResult(known.cursor)
        restarted = False
        while True:
            page = feed.page(cursor)
            allowances.spend(page)
            latest = page.settled
            if page.server == self._own_id:
                return PullResult(State.PAUSED, "it is this server itself: take it off the list of peers", latest, 0)
            if known.server is None:
                progress.set_name(self._database, peer.url, page.server)
                known = replace(known, server=page.server)
            if page.server != known.server or (page.settled < cursor and known.doubts + 1 >= DOUBTS):
                if restarted:
                    raise PeerError("its feed is another one each time")
                known, cursor, restarted = self._begin(peer, page.server), 0, True
                continue
            if page.settled < cursor:
                why = "its feed ends before what was read of it: perhaps it was restored from a backup"
                return PullResult(State.BEHIND, why, latest, sum_.taken, known.doubts + 1)
            taken = self._ingester.ingest(peer.url, cursor, page.documents, page.next, budget)
            cursor, sum_ = taken.cursor, _added(sum_, taken)
            budget = Budget(budget.peer_bytes - taken.kept, budget.signer_bytes)
            turn = self._result(sum_, latest)
            if turn is not None:
                return turn
            if not allowances.is_left():
                return PullResult(State.BEHIND, "as much was read as may be in a minute", latest, sum_.taken)
            if time.monotonic() > deadline:
                return PullResult(State.BEHIND, None, latest, sum_.taken)

    def _begin(self, peer: Peer, server: str | None) -> progress.PeerProgress:
        progress.begin(self._database, peer.url, server, self._clock())
        return progress.PeerProgress(server, 0, 0, 0, None, reread=False)

    @staticmethod
    def _result(sum_: IngestResult, latest: int) -> PullResult | None:
        """Whether that was all there is to be read now."""
        if sum_.full:
            return PullResult(State.PAUSED, "no room is left for its documents: see replica_mb", latest, sum_.taken)
        if sum_.refused >= MANY_REFUSED and sum_.refused * 2 > sum_.seen:
            raise PeerError("most of what it sends does not verify")
        return PullResult(State.OK, None, latest, sum_.taken) if sum_.cursor >= latest else None


def _added(sum_: IngestResult, page: IngestResult) -> IngestResult:
    return replace(
        page,
        seen=sum_.seen + page.seen,
        taken=sum_.taken + page.taken,
        refused=sum_.refused + page.refused,
        skipped=sum_.skipped + page.skipped,
        kept=sum_.kept + page.kept,
    )
