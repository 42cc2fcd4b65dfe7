"""`rein sync`: give every server what I wrote, prove that it is there, and fetch what is new.

Two rounds over all servers at once. The first only reads: each feed from where it was left, and whether the server
still gives back what it was proved to hold. The second, only for servers that lack something, uploads in batches and
reads back: under its key, byte for byte, and by its id, as everybody else asks for it. A document is safe when so many
servers passed both. What others wrote in my orders is put into my buckets too, as far as there is room beside my own
(`of_others`): no author can take it away then. In the first round each server is also asked whether it shows what
others wrote in my jobs (`witness`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import SystemRandom

from rein.btc.keys import PrivateKey
from rein.errors import ChainError, InputError, RefusedError, ReinError, ServerLiedError
from rein.protocol.signed import verify
from rein.protocol.values import DocumentId
from rein.remote.answers import Hosting
from rein.remote.causeway import Causeway, batches, remote_key
from rein.remote.fleet import Say, run_on_all
from rein.store.store import Placement
from rein.workflows.hosting.quota_warnings import LITTLE_SPACE, warnings_of
from rein.workflows.hosting.servers import HOSTING_SECONDS, remember
from rein.workflows.jobs.sealed_bids import publish_offered
from rein.workflows.market.reputation import prove_endings, rated_jobs
from rein.workflows.money.chain_view import look
from rein.workflows.orders.feeds import FeedIngester, Progress, Told, follow, no_progress
from rein.workflows.orders.fold_cache import orders_to_watch
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.tip import observe_tip
from rein.workflows.session import Session
from rein.workflows.sync.availability import Difference, differences, to_ask_for
from rein.workflows.sync.others_documents import documents_of_others
from rein.workflows.sync.read_back import Checked, read_back

SAMPLE = 100
"""Documents that each server is asked to give back in a sync with nothing new, chosen anew each time so that it cannot
know which. If one is missing, it is asked for all."""

_NAME_BYTES = 32
"""Of the key under which a document is stored: the bucket pays for it, too."""

_random = SystemRandom()


@dataclass
class ServerReport:
    """What happened with one server. `held` of my documents it was proved to hold; `checked` of them in this sync. It
    was asked for `foreign` documents of others in my jobs, and these are the `differences`."""

    url: str
    told: Told
    uploaded: int = 0
    held: int = 0
    checked: int = 0
    lost: int = 0
    error: ReinError | None = None
    """Why it could not be asked, or did not take everything; what is wrong with its feed is in `told.error`."""
    warnings: list[str] = field(default_factory=list)
    foreign: int = 0
    differences: list[Difference] = field(default_factory=list)
    kept: int = 0
    """Of the documents of others in my orders, how many it was proved to hold for me; there is no room there for
    `left_out`."""
    left_out: int = 0


@dataclass
class SyncReport:
    """What a sync did. `safe` of my `documents` are at `copies` servers. My orders stand on so many documents of
    `others`."""

    documents: int = 0
    others: int = 0
    safe: int = 0
    copies: int = 0
    known: int = 0
    servers: list[ServerReport] = field(default_factory=list)
    chain_error: ChainError | None = None

    @property
    def new(self) -> int:
        """How many documents were fetched."""
        return sum(server.told.new for server in self.servers)


@dataclass(frozen=True)
class Witnessed:
    """What a server showed of what others wrote in my jobs."""

    checked: Checked


@dataclass(frozen=True)
class Kept:
    """What a server gave back of what it holds of others for me."""

    checked: Checked


@dataclass(frozen=True)
class Stored:
    """Documents that a server took and gave back."""

    ids: Sequence[DocumentId]


def sync(session: Session, progress: Progress = no_progress, *, everything: bool = False) -> SyncReport:
    """Upload what servers lack, download what is new, look at the chain. A failing server stops no other.

    :param everything: read the feeds from their beginning, and ask back every document instead of a sample.
    :raises InputError: no server is registered.
    """
    if not session.servers:
        raise InputError("no server is registered", hint="Ask one for hosting: rein request URL")
    publish_offered(session)
    mine = session.store.own_ids(session.network.name, session.address)
    placed = {server.url: session.store.placements(server.url) for server in session.servers}
    round_ = _Round(session, mine, placed, FeedIngester(session, progress, from_the_beginning=everything))
    if round_.is_anything_to_put():
        _ = session.keyring  # ask for the passphrase now, while somebody is at the keyboard
    round_.read(everything=everything)
    round_.write()
    report = round_.report()
    try:
        observe_tip(session)
        look(session, load_orders(session, orders_to_watch(session)).orders)
        prove_endings(session, rated_jobs(session))
    except ChainError as error:
        report.chain_error = error
    return report


class _Round:
    """One sync: what is known of each server's copies, and what was done."""

    def __init__(
        self,
        session: Session,
        mine: Sequence[DocumentId],
        placed: Mapping[str, dict[DocumentId, Placement]],
        intake: FeedIngester,
    ) -> None:
        self._session = session
        self._mine = mine
        self._others = self._of_others()
        self._placed = placed
        self._intake = intake
        self._servers = {url: ServerReport(url, told) for url, told in intake.told.items()}
        self._foreign = to_ask_for(session)
        self._witnessed: dict[str, Checked] = {}

    def _of_others(self) -> list[DocumentId]:
        mine = set(self._mine)
        return [each for each in documents_of_others(self._session) if each not in mine]

    def is_anything_to_put(self) -> bool:
        """Whether a server lacks something for which there is room, as far as is known before it is asked."""
        return any(any(self._lacking(url)) for url in self._placed)

    def _lacking(self, url: str) -> tuple[list[DocumentId], list[DocumentId]]:
        """What of mine a server does not hold, and what of others for which my buckets there have room. Some is left
        for what I write next: who has much said to them must not be silenced by it."""
        placed = self._placed[url]
        mine = [each for each in self._mine if not _is_proved(placed, each)]
        others = [each for each in self._others if not _is_proved(placed, each)]
        sizes = {
            each: len(text.encode()) + _NAME_BYTES for each, text in self._session.store.texts(others + mine).items()
        }
        row = next((each for each in self._session.store.servers(self._session.identity.id) if each.url == url), None)
        left = (row.bytes_free if row else 0) - LITTLE_SPACE - sum(sizes.get(each, 0) for each in mine)
        fitting = []
        for each in others:
            if sizes.get(each, left + 1) <= left:
                fitting.append(each)
                left -= sizes[each]
        self._servers[url].left_out = len(others) - len(fitting)
        return mine, fitting

    def read(self, *, everything: bool) -> None:
        """The first round."""
        proved = {url: [each for each in self._mine if _is_proved(self._placed[url], each)] for url in self._placed}
        kept = {url: [each for each in self._others if _is_proved(self._placed[url], each)] for url in self._placed}
        asked = {url: ids if everything else _sample(ids) for url, ids in proved.items()}
        asked_of_kept = {url: ids if everything else _sample(ids) for url, ids in kept.items()}
        foreign = [each.id for each in self._foreign]
        lists = (*asked.values(), *asked_of_kept.values())
        texts = self._session.store.texts({*foreign, *(each for ids in lists for each in ids)})
        feeds = dict(self._intake.feeds)
        now = int(time.time())
        stale = {
            row.url
            for row in self._session.store.servers(self._session.identity.id)
            if not 0 <= now - row.asked < HOSTING_SECONDS
        }

        def work(server: Causeway, say: Say[object]) -> None:
            if server.url in stale:
                say(server.buckets())
            wanted = dict.fromkeys((*asked[server.url], *asked_of_kept[server.url], *foreign))
            answer = read_back(server, list(wanted), texts)
            checked, of_kept = answer.of(asked[server.url]), answer.of(asked_of_kept[server.url])
            removed: set[DocumentId] = set()
            try:
                for stretch in follow(server, feeds[server.url]):
                    removed.update(id_ for _, id_ in stretch.page.removed)
                    say(stretch)
            except ServerLiedError as error:  # what it says of others is no reason to keep mine from it
                say(error)
            if checked.lost or removed.intersection(proved[server.url]):
                checked = read_back(server, proved[server.url], self._session.store.texts(proved[server.url]))
            if of_kept.lost or removed.intersection(kept[server.url]):
                of_kept = read_back(server, kept[server.url], self._session.store.texts(kept[server.url]))
            say(checked)
            say(Kept(of_kept))
            say(Witnessed(answer.of(foreign)))

        for report in run_on_all(self._session.servers, work):
            self._hear(report.url, report.value, report.error)
            self._intake.hear(report)

    def _hear(self, url: str, value: object, error: ReinError | None) -> None:
        server = self._servers[url]
        if isinstance(value, Hosting):
            remember(self._session, url, value)
        elif isinstance(value, Checked):
            server.checked = len(value.given)
            server.lost += len(value.lost)
            self._set_proved(url, value.lost, proved=False)
        elif isinstance(value, Kept):
            self._set_proved(url, value.checked.lost, proved=False)
        elif isinstance(value, Witnessed):
            self._witnessed[url] = value.checked
        elif isinstance(value, ServerLiedError):
            server.told.error = value
        elif isinstance(value, RefusedError):
            server.told.notes.append(f"it does not take all that others wrote in your jobs: {value.message}")
        elif isinstance(value, Stored):
            server.uploaded += len(value.ids)
            server.checked += len(set(self._mine).intersection(value.ids))
            self._set_proved(url, value.ids, proved=True)
        if error is not None:
            server.error = error

    def write(self) -> None:
        """The second round: for servers that answered and lack something."""
        here = self._session.store.known(self._mine)  # one may have been withdrawn meanwhile
        self._mine = [each for each in self._mine if each in here]
        self._others = self._of_others()  # with what came in the first round
        lacking = {url: self._lacking(url) for url, server in self._servers.items() if server.error is None}
        lacking = {url: ids for url, ids in lacking.items() if any(ids)}
        if not lacking or not (any(mine for mine, _ in lacking.values()) or self._can_sign()):
            return
        for url, (mine, others) in lacking.items():
            self._name_keys(url, [*mine, *others])
        texts = self._session.store.texts({each for both in lacking.values() for ids in both for each in ids})
        for text in texts.values():
            verify(text)
        keys = {
            url: [{each: self._placed[url][each].remote_key for each in ids} for ids in both]
            for url, both in lacking.items()
        }
        signer = self._session.keyring.delegate

        def work(server: Causeway, say: Say[object]) -> None:
            mine, others = keys[server.url]
            _upload(server, mine, texts, signer, say)
            try:
                _upload(server, others, texts, signer, say)
            except RefusedError as error:  # mine is there; what is not is tried again
                say(error)
            say(server.buckets())

        for report in run_on_all([each for each in self._session.servers if each.url in lacking], work):
            self._hear(report.url, report.value, report.error)

    def _can_sign(self) -> bool:
        """Whether the keys can be had, where nothing of mine hangs on it: who only fetches need not open them."""
        try:
            _ = self._session.keyring
        except ReinError as error:
            self._session.note(f"What others wrote in your jobs was not put on your servers: {error.message}")
            return False
        return True

    def report(self) -> SyncReport:
        """What came of it."""
        for url, server in self._servers.items():
            server.held = sum(_is_proved(self._placed[url], each) for each in self._mine)
            server.kept = sum(_is_proved(self._placed[url], each) for each in self._others)
        for url, checked in self._witnessed.items():
            self._servers[url].foreign = len(checked.asked)
            self._servers[url].differences = differences(self._session, url, self._foreign, checked)
        for row in self._session.store.servers(self._session.identity.id):
            if row.url in self._servers:
                self._servers[row.url].warnings = warnings_of(row, int(time.time()), self._servers[row.url].left_out)
        copies = self._session.copies if self._session.copies is not None else min(2, len(self._servers))
        names = self._names()
        holders = [
            len({names[url] for url, placed in self._placed.items() if _is_proved(placed, each)}) for each in self._mine
        ]
        return SyncReport(
            documents=len(self._mine),
            others=len(self._others),
            safe=sum(each >= copies for each in holders),
            copies=copies,
            known=self._session.store.count(self._session.network.name),
            servers=list(self._servers.values()),
        )

    def _names(self) -> dict[str, str]:
        """What each server calls itself, or its URL: two addresses of one server hold one copy between them."""
        first: dict[str, str] = {}
        for url, feed in self._intake.feeds.items():
            name = feed.server or url
            if name in first:
                self._servers[url].told.notes.append(f"it is the same server as {first[name]}: both count as one copy")
            first.setdefault(name, url)
        return {url: feed.server or url for url, feed in self._intake.feeds.items()}

    def _name_keys(self, url: str, ids: Sequence[DocumentId]) -> None:
        """Keys are remembered before the request, so that a crash in between makes the next sync overwrite the same
        keys instead of paying for others, and so that no document is withdrawn that somebody may have."""
        secret, unnamed = self._session.keyring.storage_secret, [each for each in ids if each not in self._placed[url]]
        self._keep(url, [Placement(each, url, remote_key(secret, url, each), proved=False) for each in unnamed])

    def _set_proved(self, url: str, ids: Sequence[DocumentId] | frozenset[DocumentId], *, proved: bool) -> None:
        self._keep(url, [Placement(each, url, self._placed[url][each].remote_key, proved) for each in ids])

    def _keep(self, url: str, placements: Sequence[Placement]) -> None:
        self._session.store.set_placements(placements)
        self._placed[url].update({each.document_id: each for each in placements})


def _sample(ids: list[DocumentId]) -> list[DocumentId]:
    return ids if len(ids) <= SAMPLE else _random.sample(ids, SAMPLE)


def _is_proved(placed: Mapping[DocumentId, Placement], document_id: DocumentId) -> bool:
    placement = placed.get(document_id)
    return placement is not None and placement.proved


def _upload(
    server: Causeway,
    keys: Mapping[DocumentId, str],
    texts: Mapping[DocumentId, str],
    signer: PrivateKey,
    say: Callable[[object], None],
) -> None:
    """Put documents and read them back, batch by batch; what a batch proved is kept whatever becomes of the next.

    :raises ReinError: the first reason why some are not there, after everything that can be stored is.
    """
    ids_of = {key: each for each, key in keys.items()}
    reason: ReinError | None = None
    for batch in batches([(key, texts[each]) for each, key in keys.items()]):
        verdicts = server.put(batch, signer)
        reason = reason or next((each for each in verdicts if each is not None), None)
        stored = [key for (key, _), verdict in zip(batch, verdicts, strict=True) if verdict is None]
        given = server.get(stored) if stored else []
        same = [ids_of[key] for key, value in zip(stored, given, strict=True) if value == texts[ids_of[key]]]
        hidden = read_back(server, same, texts).lost if same else frozenset()
        if len(same) < len(stored):
            reason = reason or ServerLiedError(
                f"{server.url} said that it stored a document, but does not give it back"
            )
        if hidden:
            reason = reason or ServerLiedError(f"{server.url} keeps {len(hidden)} of your documents, but hides them")
        say(Stored([each for each in same if each not in hidden]))
    if reason is not None:
        raise reason
