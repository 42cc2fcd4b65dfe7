"""Following the feeds of every server at once. Servers are strangers: each text is verified before it is kept.

All documents of a network are kept: together they are the market. A feed is read on from where it was left; a text
that is here already costs a hash, a new one a verification. The bounds below, and those of `allowance`, are what a
hostile server can cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from rein.remote.answers import FeedEntry, FeedPage
from rein.remote.causeway import Causeway
from rein.remote.fleet import Report, Say, run_on_all
from rein.store.servers import FeedRow
from rein.workflows.orders.allowance import Allowance
from rein.workflows.session import Session

MAX_SYNC_DOCUMENTS = 50_000
MAX_SYNC_BYTES = 128 * 2**20
"""What one server may send in one round; the next round goes on from there."""
MAX_REFUSED = 5_000
"""Documents that do not verify: after so many a server is not listened to for the rest of the round."""
MAX_PAGES = 500

PASSED_OVER = (
    "it, or somebody who signed what it shows, has brought too much lately: what concerns your jobs was taken, other "
    "documents were passed over, and are read again in a month"
)
TOO_MUCH_JUNK = "it sent too much that is no document; the rest is read another time"

Progress = Callable[[str, int, int], None]
"""Told a server's URL, how much is done, and of how much."""


def no_progress(_url: str, _done: int, _all: int) -> None:
    """For who does not look."""


@dataclass
class Told:
    """What one server told in a round. `notes` are sentences about what is odd, but hurts nobody."""

    url: str
    new: int = 0
    shown: int = 0
    refused: list[ReinError] = field(default_factory=list)
    removed: set[DocumentId] = field(default_factory=set)
    error: ReinError | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FeedSlice:
    """A page of a feed, and from where it is followed: `begins_anew` if what was read before no longer counts."""

    page: FeedPage
    begins_anew: bool
    etag: str | None


def pull(
    session: Session, progress: Progress = no_progress, *, servers: Sequence[Causeway] | None = None
) -> list[Told]:
    """Fetch what is new from every server and keep what is good and of this network.

    :param servers: those of the identity if not given.
    """
    asked = session.servers if servers is None else servers
    if not asked:
        return []
    intake = FeedIngester(session, progress, servers=asked)
    feeds = dict(intake.feeds)

    def work(server: Causeway, say: Say[FeedSlice]) -> None:
        for stretch in follow(server, feeds[server.url]):
            say(stretch)

    for report in run_on_all(asked, work):
        intake.hear(report)
    return list(intake.told.values())


def follow(server: Causeway, feed: FeedRow) -> Iterator[FeedSlice]:
    """Page by page what a feed holds since it was last read. The first page begins with the last document of the time
    before: a feed that shows another one there, or ends before it, was begun anew, and is read from its beginning.

    :raises ServerLiedError: pages without end, or with numbers that cannot be.
    """
    after = feed.anchor_seq - 1 if feed.anchor else 0
    page = server.feed(after, feed.etag)
    if page is None:
        return
    anew = feed.anchor is not None and not _still_shows(page, feed)
    if anew:
        page = server.feed(0)
    characters = documents = 0
    for number in range(MAX_PAGES):
        if page is None:
            return
        is_end = page.next >= page.settled
        is_old = number == 0 and not anew and is_end and all(each.seq <= feed.anchor_seq for each in page.entries)
        yield FeedSlice(page, anew and number == 0, page.etag if is_old else None)
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
    """Takes in what servers tell: verifies, keeps, and remembers how far each feed was read."""

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
        self.told = {url: Told(url, shown=feed.shown) for url, feed in self.feeds.items()}
        self._begins = {url: feed.cursor for url, feed in self.feeds.items()}

    def _read_so_far(self, url: str, from_the_beginning: bool) -> FeedRow:
        feed = self._session.store.servers.feed(url, self._session.network.name)
        is_old = from_the_beginning or feed.version != __version__ or self._allowance.is_to_be_read_again(feed)
        return feed.from_the_beginning(__version__) if is_old else feed

    def hear(self, report: Report[Any]) -> None:
        """Take what a server said, if it is a stretch of its feed; or that it failed."""
        told = self.told[report.url]
        if report.error is not None:
            told.error = report.error
        elif isinstance(report.value, FeedSlice):
            self._take(told, report.value)

    def _take(self, told: Told, stretch: FeedSlice) -> None:
        feed = self.feeds[told.url]
        if len(told.refused) >= MAX_REFUSED:
            _note(told, TOO_MUCH_JUNK)
            return
        if stretch.begins_anew:
            told.notes.append("its feed was begun anew and is read from the beginning")
            feed = feed.from_the_beginning(__version__)
            self._begins[told.url] = 0
        page = stretch.page
        fresh = [each for each in page.entries if each.seq > feed.anchor_seq]
        good = self._verified(told, fresh)
        if self._keep(told, good):
            feed = self._allowance.passing(feed)
        if len(told.refused) >= MAX_REFUSED:  # what was not looked at is not passed over
            _note(told, TOO_MUCH_JUNK)
            return
        gone = [id_ for seq, id_ in page.removed if seq > feed.cursor]
        told.removed.update(gone)
        self._session.store.visibility.record(told.url, gone, removed=True)
        last = page.entries[-1] if page.entries else None
        feed = replace(
            feed,
            cursor=page.next,
            anchor=last.id if last else feed.anchor,
            anchor_seq=last.seq if last else feed.anchor_seq,
            etag=stretch.etag,
            shown=max(0, feed.shown + len(fresh) - len(gone)),
            server=page.server or feed.server,
        )
        self._session.store.documents.add_received([], feed)
        told.shown = feed.shown
        self.feeds[told.url] = feed
        begin = self._begins[told.url]
        self._progress(told.url, page.next - begin, max(page.settled, page.next) - begin)

    def _keep(self, told: Told, good: Sequence[Signed[Any]]) -> bool:
        """Keep what may be taken; whether something was passed over. What is taken may show that more of the rest
        concerns my orders. How far the feed is read is noted afterwards: what is read twice costs a hash."""
        taken, passed = self._allowance.sift(told.url, good)
        while taken:
            told.new += self._session.store.documents.add_received([(signed, told.url) for signed in taken])
            self._allowance.learned()
            if not passed:
                break
            taken, passed = self._allowance.sift(told.url, passed)
        self._allowance.save()
        if passed:
            _note(told, PASSED_OVER)
        return bool(passed)

    def _verified(self, told: Told, entries: Sequence[FeedEntry]) -> list[Signed[Any]]:
        """What is not here yet, verified. A forgery is never remembered under the id it pretends to have: it would
        keep the true document out."""
        unknown: list[FeedEntry] = []
        for entry in entries:
            try:
                _check_id(entry, told.url)
                unknown.append(entry)
            except ReinError as error:
                told.refused.append(error)
        known = self._session.store.documents.known([entry.id for entry in unknown])
        good: list[Signed[Any]] = []
        for entry in unknown:
            if entry.id not in known and len(told.refused) < MAX_REFUSED:
                try:
                    good.append(verified_here(self._session, entry.armored))
                except ReinError as error:
                    told.refused.append(error)
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


def _note(told: Told, note: str) -> None:
    if note not in told.notes:
        told.notes.append(note)


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
