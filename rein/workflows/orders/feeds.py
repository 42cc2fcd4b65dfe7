"""Following the feeds of every server at once. Servers are strangers: each text is verified before it is kept.

All documents of a network are kept: together they are the market. A feed is read on from where it was left; a text
that is here already costs a hash, a new one a verification. The bounds below, and those of `allowance`, are what a
hostile server can cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rein import __version__
from rein.btc.networks import Network
from rein.errors import AuthorityError, ReinError, ServerLiedError
from rein.protocol.armor import read_armor
from rein.protocol.documents import Document, Enrollment, Kind
from rein.protocol.enrollments import Enrollments
from rein.protocol.signed import Signed, text_id, verify
from rein.protocol.values import DocumentId
from rein.remote.causeway import Causeway
from rein.remote.fleet import Emit, Report, run_on_all
from rein.remote.responses import FeedEntry, FeedPage
from rein.store.tables.servers import FeedRow
from rein.workflows.orders.allowance import Allowance
from rein.workflows.session import Session

MAX_SYNC_DOCUMENTS = 50_000
MAX_SYNC_BYTES = 128 * 2**20
"""What one server may send in one round; the next round continues from there."""
MAX_REFUSED = 5_000
"""Documents that do not verify: after so many, the rest of a server's feed is left for another round."""
MAX_PAGES = 500

PASSED_OVER = (
    "it, or somebody who signed what it shows, has brought too much lately: what concerns your jobs was taken, other "
    "documents were passed over, and are read again in a month"
)
TOO_MUCH_JUNK = "it sent too much that is not a document; the rest is read another time"

Progress = Callable[[str, int, int], None]
"""Called with a server's URL, how much is done, and of how much."""


def no_progress(_url: str, _done: int, _all: int) -> None:
    """Shows nothing."""


@dataclass
class FeedReport:
    """What one server's feed brought in a round. `notes` are sentences about what is odd, but harmless."""

    url: str
    new: int = 0
    shown: int = 0
    refused: list[ReinError] = field(default_factory=list)
    removed: set[DocumentId] = field(default_factory=set)
    error: ReinError | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FeedSlice:
    """A page of a feed. `restarted`: the feed began again, so that what was read before no longer counts."""

    page: FeedPage
    restarted: bool
    etag: str | None


def pull(
    session: Session, progress: Progress = no_progress, *, servers: Sequence[Causeway] | None = None
) -> list[FeedReport]:
    """Fetch what is new from every server and keep what is good and of this network.

    :param servers: those of the identity if not given.
    """
    asked = session.servers if servers is None else servers
    if not asked:
        return []
    ingester = FeedIngester(session, progress, servers=asked)
    feeds = dict(ingester.feeds)

    def work(server: Causeway, emit: Emit[FeedSlice]) -> None:
        for part in follow(server, feeds[server.url]):
            emit(part)

    for report in run_on_all(asked, work):
        ingester.on_report(report)
    remember_fetch(session, [report.error for report in ingester.reports.values()])
    return list(ingester.reports.values())


def remember_fetch(session: Session, errors: Collection[ReinError | None]) -> None:
    """Note the time at which servers were asked for what is new, unless none answered.

    :param errors: of each server, why it did not.
    """
    if None in errors:
        session.store.learned.set_fetched(session.network.name, int(time.time()))


def follow(server: Causeway, feed: FeedRow) -> Iterator[FeedSlice]:
    """Page by page what a feed holds since it was last read. The first page begins with the last document of the time
    before: a feed that shows another one there, or ends before it, began again, and is read from its beginning.

    :raises ServerLiedError: pages without end, or with numbers that cannot be.
    """
    after = feed.anchor_seq - 1 if feed.anchor else 0
    page = server.feed(after, feed.etag)
    if page is None:
        return
    restarted = feed.anchor is not None and not _still_shows(page, feed)
    if restarted:
        page = server.feed(0)
    characters = documents = 0
    for number in range(MAX_PAGES):
        if page is None:
            return
        is_end = page.next >= page.settled
        is_old = number == 0 and not restarted and is_end and all(each.seq <= feed.anchor_seq for each in page.entries)
        yield FeedSlice(page, restarted and number == 0, page.etag if is_old else None)
        documents += len(page.entries)
        characters += sum(len(entry.armored) for entry in page.entries)
        if is_end or documents > MAX_SYNC_DOCUMENTS or characters > MAX_SYNC_BYTES:
            return
        if not page.entries and not page.removed:
            raise ServerLiedError(f"{server.url} has a feed of empty pages without end")
        page = server.feed(page.next)
    raise ServerLiedError(f"{server.url} has no end of pages; what it sent until then is kept")


def _still_shows(page: FeedPage, feed: FeedRow) -> bool:
    if page.settled < feed.cursor:
        return False
    first = page.entries[0] if page.entries else None
    is_there = first is not None and (first.seq, first.id) == (feed.anchor_seq, feed.anchor)
    return is_there or any(id_ == feed.anchor for _, id_ in page.removed)


class FeedIngester:
    """Stores what feeds bring: verifies each document, and remembers how far each feed was read."""

    def __init__(
        self,
        session: Session,
        progress: Progress,
        *,
        from_the_beginning: bool = False,
        servers: Sequence[Causeway] | None = None,
    ) -> None:
        self._session = session
        self._progress = progress
        self._allowance = Allowance(session)
        asked = session.servers if servers is None else servers
        self.feeds = {server.url: self._read_so_far(server.url, from_the_beginning) for server in asked}
        self.reports = {url: FeedReport(url, shown=feed.shown) for url, feed in self.feeds.items()}
        self._begins = {url: feed.cursor for url, feed in self.feeds.items()}

    def _read_so_far(self, url: str, from_the_beginning: bool) -> FeedRow:
        feed = self._session.store.servers.feed(url, self._session.network.name)
        is_old = from_the_beginning or feed.version != __version__ or self._allowance.is_to_be_read_again(feed)
        return feed.from_the_beginning(__version__) if is_old else feed

    def on_report(self, report: Report[Any]) -> None:
        """Store what a server sent, if it is a slice of its feed; or note that it failed."""
        if report.error is not None:
            self.reports[report.url].error = report.error
        elif isinstance(report.value, FeedSlice):
            self._ingest(self.reports[report.url], report.value)

    def _ingest(self, report: FeedReport, part: FeedSlice) -> None:
        feed = self.feeds[report.url]
        if len(report.refused) >= MAX_REFUSED:
            _note(report, TOO_MUCH_JUNK)
            return
        if part.restarted:
            report.notes.append("its feed began again and is read from the beginning")
            feed = feed.from_the_beginning(__version__)
            self._begins[report.url] = 0
        page = part.page
        fresh = [each for each in page.entries if each.seq > feed.anchor_seq]
        good = self._verified(report, fresh)
        if self._store(report, good):
            feed = self._allowance.passing(feed)
        if len(report.refused) >= MAX_REFUSED:  # what was not looked at is not passed over
            _note(report, TOO_MUCH_JUNK)
            return
        gone = [id_ for seq, id_ in page.removed if seq > feed.cursor]
        report.removed.update(gone)
        self._session.store.visibility.record(report.url, gone, removed=True)
        last = page.entries[-1] if page.entries else None
        feed = replace(
            feed,
            cursor=page.next,
            anchor=last.id if last else feed.anchor,
            anchor_seq=last.seq if last else feed.anchor_seq,
            etag=part.etag,
            shown=max(0, feed.shown + len(fresh) - len(gone)),
            server=page.server or feed.server,
        )
        self._session.store.documents.add_received([], feed)
        report.shown = feed.shown
        self.feeds[report.url] = feed
        begin = self._begins[report.url]
        self._progress(report.url, page.next - begin, max(page.settled, page.next) - begin)

    def _store(self, report: FeedReport, good: Sequence[Signed[Any]]) -> bool:
        """Store what the allowance admits; whether something was passed over. What is stored may show that more of the
        rest concerns my orders. How far the feed is read is noted afterwards: what is read twice costs a hash."""
        taken, passed = self._allowance.sift(report.url, good)
        while taken:
            report.new += self._session.store.documents.add_received([(signed, report.url) for signed in taken])
            self._allowance.learned()
            if not passed:
                break
            taken, passed = self._allowance.sift(report.url, passed)
        self._allowance.save()
        if passed:
            _note(report, PASSED_OVER)
        return bool(passed)

    def _verified(self, report: FeedReport, entries: Sequence[FeedEntry]) -> list[Signed[Any]]:
        """What is not here yet, verified. A forgery is never remembered under the id it pretends to have: it would
        keep the true document out."""
        unknown: list[FeedEntry] = []
        for entry in entries:
            try:
                _check_id(entry, report.url)
                unknown.append(entry)
            except ReinError as error:
                report.refused.append(error)
        known = self._session.store.documents.known([entry.id for entry in unknown])
        good: list[Signed[Any]] = []
        for entry in unknown:
            if entry.id not in known and len(report.refused) < MAX_REFUSED:
                try:
                    good.append(verified_here(self._session, entry.armored))
                except ReinError as error:
                    report.refused.append(error)
        return good


def verified_here(session: Session, text: str) -> Signed[Any]:
    """A document that somebody sent, checked for this home.

    :raises ReinError: it does not verify, or is of another network.
    """
    signed = verify(text)
    document = signed.document
    if isinstance(document, Document) and document.network != session.network:
        raise AuthorityError(f"a document of {document.network.name}, sent as one of {session.network.name}")
    return signed


def _note(report: FeedReport, note: str) -> None:
    if note not in report.notes:
        report.notes.append(note)


def _check_id(entry: FeedEntry, url: str) -> None:
    if text_id(read_armor(entry.armored).text) != entry.id:
        raise ServerLiedError(f"{url} shows another text under the id {entry.id[:12]} of a document")


def load_enrollments(session: Session, masters: set[str] | None = None) -> Enrollments:
    """The enrollments of today's format that are here, of these identities or of everybody."""
    network = session.network.name
    signed = (
        session.store.documents.of_kinds(network, Kind.ENROLLMENT)
        if masters is None
        else session.store.documents.enrollments_of(network, masters)
    )
    todays = (each for each in signed if isinstance(each.document, Enrollment))
    return Enrollments(todays, tip=last_height(session, session.network))


def last_height(session: Session, network: Network) -> int | None:
    """Where the chain ended when this home last asked; None if it never did."""
    seen = session.store.chain_tip.get(network.name)
    return seen.height if seen else None
