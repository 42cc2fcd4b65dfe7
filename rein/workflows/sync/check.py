"""The first round of a sync: read the feeds, and ask each server to give back what it was proved to hold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import SystemRandom

from rein.errors import ServerLiedError
from rein.protocol.values import DocumentId
from rein.remote.causeway import Causeway
from rein.remote.fleet import Emit, run_on_all
from rein.remote.responses import Hosting
from rein.store.tables.servers import FeedRow
from rein.store.tables.visibility import ForeignDocument
from rein.workflows.hosting.servers import HOSTING_SECONDS, remember
from rein.workflows.orders.feeds import FeedIngester, follow
from rein.workflows.session import Session
from rein.workflows.sync.availability import discrepancies, sample_of_others
from rein.workflows.sync.read_back import Checked, read_back
from rein.workflows.sync.replicas import Replicas
from rein.workflows.sync.report import ServerReport

SAMPLE = 100
"""Documents that each server is asked to give back in a sync with nothing new, chosen at random each time so that it
cannot know which. If one is missing, it is asked for all."""

_random = SystemRandom()


@dataclass(frozen=True)
class _Questions:
    """What a server holds for me, the samples of it that are asked for, and what others wrote in my jobs."""

    mine: list[DocumentId]
    others: list[DocumentId]
    sample_of_mine: list[DocumentId]
    sample_of_others: list[DocumentId]
    foreign: list[DocumentId]

    @property
    def asked(self) -> list[DocumentId]:
        return list(dict.fromkeys((*self.sample_of_mine, *self.sample_of_others, *self.foreign)))


@dataclass(frozen=True)
class _ReadBack:
    """What a server gave of what it holds for me, and of what others wrote in my jobs."""

    mine: Checked
    others: Checked
    foreign: Checked


class Check:
    """One first round."""

    def __init__(
        self, session: Session, replicas: Replicas, ingester: FeedIngester, servers: Mapping[str, ServerReport]
    ) -> None:
        self._session, self._replicas, self._ingester, self._servers = session, replicas, ingester, servers
        self._foreign: Sequence[ForeignDocument] = sample_of_others(session)
        self._foreign_checked: dict[str, Checked] = {}

    def run(self, *, everything: bool) -> None:
        """Ask all servers.

        :param everything: for every document instead of a sample.
        """
        questions = {url: self._questions(url, everything=everything) for url in self._servers}
        texts = self._session.store.documents.texts({each for some in questions.values() for each in some.asked})
        feeds, stale = dict(self._ingester.feeds), self._with_stale_quota()

        def work(server: Causeway, emit: Emit[object]) -> None:
            if server.url in stale:
                emit(server.buckets())
            self._ask(server, questions[server.url], texts, feeds[server.url], emit)

        for report in run_on_all(self._session.servers, work):
            self._on_value(report.url, report.value)
            if report.error is not None:
                self._servers[report.url].error = report.error
            self._ingester.on_report(report)

    def _questions(self, url: str, *, everything: bool) -> _Questions:
        mine, others = (self._replicas.held(url, ids) for ids in (self._replicas.mine, self._replicas.others))
        samples = (mine, others) if everything else (_sample(mine), _sample(others))
        return _Questions(mine, others, *samples, [each.id for each in self._foreign])

    def _with_stale_quota(self) -> set[str]:
        """The servers that have to be asked again what is left of space, transfer and time."""
        now = int(time.time())
        rows = self._session.store.servers.of_identity(self._session.identity.id)
        return {row.url for row in rows if not 0 <= now - row.asked < HOSTING_SECONDS}

    def _ask(
        self,
        server: Causeway,
        questions: _Questions,
        texts: Mapping[DocumentId, str],
        feed: FeedRow,
        emit: Emit[object],
    ) -> None:
        """Runs in a thread of the server's."""
        answer = read_back(server, questions.asked, texts)
        mine, others = answer.of(questions.sample_of_mine), answer.of(questions.sample_of_others)
        removed: set[DocumentId] = set()
        try:
            for part in follow(server, feed):
                removed.update(id_ for _, id_ in part.page.removed)
                emit(part)
        except ServerLiedError as error:  # what it says of others is no reason to withhold mine from it
            emit(error)
        if mine.lost or removed.intersection(questions.mine):
            mine = read_back(server, questions.mine, self._session.store.documents.texts(questions.mine))
        if others.lost or removed.intersection(questions.others):
            others = read_back(server, questions.others, self._session.store.documents.texts(questions.others))
        emit(_ReadBack(mine, others, answer.of(questions.foreign)))

    def _on_value(self, url: str, value: object) -> None:
        server = self._servers[url]
        if isinstance(value, Hosting):
            remember(self._session, url, value)
        elif isinstance(value, ServerLiedError):
            server.feed.error = value
        elif isinstance(value, _ReadBack):
            server.answered = True
            server.checked = len(value.mine.given)
            server.lost += len(value.mine.lost)
            self._replicas.set_proved(url, value.mine.lost | value.others.lost, proved=False)
            server.foreign = len(value.foreign.asked)
            self._foreign_checked[url] = value.foreign

    def note_discrepancies(self) -> None:
        """Say what servers do not give of others' as it is here; after the uploads: they prove what was there."""
        for url, checked in self._foreign_checked.items():
            self._servers[url].differences = discrepancies(self._session, url, self._foreign, checked)


def _sample(ids: list[DocumentId]) -> list[DocumentId]:
    return ids if len(ids) <= SAMPLE else _random.sample(ids, SAMPLE)
