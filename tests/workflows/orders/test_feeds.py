"""Following feeds: only what is new is fetched, and no feed, however made up, costs more than its bounds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rein.errors import FieldError
from rein.protocol.documents import Enrollment, Kind
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId, Revocation
from rein.remote import fleet
from rein.workflows.market.listings import market, open_market
from rein.workflows.orders import allowance
from rein.workflows.orders import feeds as pulling
from rein.workflows.orders.feeds import pull
from rein.workflows.session import Session
from tests.support.evil_server import EvilServer
from tests.support.people import enroll, forged, job, person, respelled, story, with_changes
from tests.workflows.conftest import Sit

TOLD = story()
TEXTS = [signed.armored for signed in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]
Evils = Callable[[], EvilServer]


def jobs(count: int) -> list[str]:
    return [job(person("Bob"), person("Alice"), job_id=f"pull{number:016}").armored for number in range(count)]


def test_a_second_pull_asks_once_and_is_told_nothing(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.show(*TEXTS)
    session = sit(evil, who="Dora")
    (first,) = pull(session)
    assert (first.new, first.refused, first.error) == (len(TEXTS), [], None)
    for _ in range(2):  # the second of them is answered with 304
        evil.asked.clear()
        (again,) = pull(session)
        assert (again.new, evil.asked) == (0, ["v1/feed"])
    evil.show(*jobs(1))
    assert [report.new for report in pull(session)] == [1]
    assert session.store.servers.feed(evil.url, "regtest").shown == len(TEXTS) + 1


def test_a_home_that_never_fetched_fetches_before_it_lists(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.show(*TEXTS)
    session = sit(evil, who="Dora")
    assert session.store.learned.fetched("regtest") is None
    before = int(time.time())
    open_market(session)
    assert market(session)
    assert before <= (session.store.learned.fetched("regtest") or 0) <= time.time()
    evil.asked.clear()
    open_market(session)
    assert evil.asked == [], "later it lists what is here"


def test_where_no_server_answers_nothing_was_fetched(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.bend = lambda *_: None
    session = sit(evil)
    assert pull(session)[0].error is not None
    assert session.store.learned.fetched("regtest") is None


def test_pages_are_followed_to_the_end(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.page_size = 3
    evil.show(*jobs(10))
    session = sit(evil)
    assert pull(session)[0].new == 10
    assert len(session.store.orders.having("regtest", Kind.JOB)) == 10
    assert evil.asked == ["v1/feed"] * 4


def test_what_every_server_has_is_verified_once(sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    verify = pulling.verify
    monkeypatch.setattr(pulling, "verify", lambda text: verified.append(text) or verify(text))
    servers = [evils() for _ in range(3)]
    texts = jobs(20)
    for server in servers:
        server.show(*texts)
    session = sit(*servers)
    assert sorted(report.new for report in pull(session)) == [0, 0, 20]
    assert len(verified) == 20


def test_a_feed_that_begins_again_is_read_from_its_beginning(sit: Sit, evils: Evils) -> None:
    """A server restored from an older copy, or grown again behind it, has other documents at the same numbers."""
    evil = evils()
    texts = jobs(8)
    evil.show(*texts[:4])
    session = sit(evil)
    assert pull(session)[0].new == 4
    evil.forget()
    evil.show(*texts[4:6])  # shorter than before
    (report,) = pull(session)
    assert report.new == 2
    assert report.notes == ["its feed began again and is read from the beginning"]
    evil.forget()
    evil.show(texts[7], *texts[:6])  # longer than before
    (report,) = pull(session)
    assert report.new == 1
    assert report.notes == ["its feed began again and is read from the beginning"]
    (report,) = pull(session)
    assert (report.new, report.notes) == (0, [])


def test_the_last_document_may_be_deleted(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.show(*jobs(3))
    session = sit(evil)
    pull(session)
    evil.remove(evil.feed[-1]["id"])
    for _ in range(2):
        (report,) = pull(session)
        assert (report.new, report.notes, report.shown) == (0, [], 2)
    assert len(session.store.orders.having("regtest", Kind.JOB)) == 3, "what was signed stays here"


def test_another_text_under_an_id_is_shown_as_a_lie(sit: Sit, evils: Evils) -> None:
    liar, honest = evils(), evils()
    liar.show(TOLD.job.armored, under=TOLD.bid.id)
    honest.show(TOLD.bid.armored)
    session = sit(liar, honest)
    first, second = pull(session)
    assert [error.code for error in first.refused] == ["server_lied"]
    assert "another text under the id" in first.refused[0].message
    assert (first.new, second.new) == (0, 1)


def test_a_forgery_does_not_keep_the_true_document_out(sit: Sit, evils: Evils) -> None:
    liar, honest = evils(), evils()
    mallory = person("Mallory")
    armor = TOLD.job.armored.split("\n")
    armor[-2] = enroll(mallory).armored.split("\n")[-2]
    liar.show("\n".join(armor), forged(TOLD.job.document, mallory.delegate))
    honest.show(TOLD.job.armored)
    session = sit(liar, honest)
    assert [report.new for report in pull(session)] == [0, 1]
    liar.show(respelled(TOLD.job.armored))
    assert [report.new for report in pull(session)] == [0, 0]


def bent(**changes: Any) -> Callable[[str, dict[str, str], Any], Any]:
    """Feed pages with some of their parts replaced; functions get the honest page."""

    def bend(path: str, _asked: dict[str, str], answer: Any) -> Any:
        if path != "v1/feed":
            return answer
        return {**answer, **{name: new(answer) if callable(new) else new for name, new in changes.items()}}

    return bend


LIES = {
    "numbers that fall": {"documents": lambda page: page["documents"][::-1]},
    "the same number twice": {"documents": lambda page: page["documents"][:1] * 2},
    "a page that ends before it begins": {"next": 0},
    "an end beyond its end": {"next": 99, "settled": 5},
    "no numbers": {"next": "5"},
    "a negative number": {"settled": -1},
    "a number beyond all numbers": {"next": 2**63, "settled": 2**63},
    "empty pages for ever": {"documents": [], "next": lambda page: 1, "settled": 2**62},
    "no list": {"documents": {"0": "x"}},
    "no documents in it": {"documents": [None, 5, []]},
    "an id that is none": {"documents": lambda page: [{**page["documents"][0], "id": "x" * 64}]},
    "a giant": {"documents": lambda page: [{**page["documents"][0], "armored": "x" * 70_000}]},
    "more than was asked for": {"documents": lambda page: page["documents"] * 400},
    "no removals": {"removed": "none"},
}


@pytest.mark.parametrize("lie", LIES, ids=list(LIES))
def test_a_feed_that_cannot_be_is_named_and_stops_nobody(sit: Sit, evils: Evils, lie: str) -> None:
    evil, honest = evils(), evils()
    for each in (evil, honest):
        each.show(*jobs(3))
    evil.bend = bent(**LIES[lie])
    session = sit(evil, honest)
    first, second = pull(session)
    assert first.error is not None, lie
    assert first.error.exit_code == 8
    assert evil.url in first.error.message
    assert second.error is None
    assert len(session.store.orders.having("regtest", Kind.JOB)) == 3
    assert len(evil.asked) <= 3


def test_pages_without_end_stop(sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "MAX_PAGES", 5)
    evil = evils()
    evil.page_size = 2
    evil.show(*jobs(30))
    session = sit(evil)
    (report,) = pull(session)
    assert "no end of pages" in str(report.error)
    assert report.new == 10, "and the next time goes on from there"
    assert pull(session)[0].new == 9


@pytest.mark.parametrize(("limit", "value"), [("MAX_SYNC_DOCUMENTS", 5), ("MAX_SYNC_BYTES", 7_000)])
def test_one_round_takes_so_much_and_the_next_goes_on(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(pulling, limit, value)
    evil = evils()
    evil.page_size = 2
    evil.show(*jobs(12))
    session = sit(evil)
    counts = [pull(session)[0].new for _ in range(4)]
    assert sum(counts) == 12
    assert 0 < max(counts) <= 8


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Bounds so small that a few documents reach them, and the time, to be set."""
    now = [time.time()]
    monkeypatch.setattr(allowance, "SERVER_BYTES", 6_000)
    monkeypatch.setattr(allowance, "SIGNER_BYTES", 40_000)
    with monkeypatch.context() as patch:
        patch.setattr(allowance.time, "time", lambda: now[0])
        yield now


def revocation() -> Signed[Enrollment]:
    """Bob, who gave Charlie his job, revokes his delegate."""
    bob, new = person("Bob"), person("Dora").delegate_address
    revoked = (Revocation(bob.delegate_address, 0),)
    return enroll(bob, previous=enroll(bob).id, delegate_address=new, revoked=revoked)


def kept(session: Session, *documents: Signed[Any]) -> set[DocumentId]:
    return session.store.documents.known([each.id for each in documents])


@pytest.mark.long
def test_a_server_that_floods_is_bounded_and_heard_all_the_same(sit: Sit, evils: Evils, clock: list[float]) -> None:
    """What concerns my jobs is taken from it whatever it has brought; the rest when a month is over."""
    evil, other = evils(), evils()
    evil.page_size = 3
    flood = jobs(30)
    evil.show(*flood)
    session = sit(evil, who="Charlie")
    session.store.documents.add_own(TOLD.bid)
    session.store.documents.add_received([(each, "x") for each in (*TOLD.enrollments, TOLD.job)])
    (report,) = pull(session)
    assert 0 < report.new < 8
    assert report.notes == [pulling.PASSED_OVER]
    evil.show(*flood, revocation().armored, TOLD.offer.armored, jobs(31)[30])
    (report,) = pull(session)
    assert report.new == 2, "the revocation and the offer, and no other job"
    assert kept(session, TOLD.offer, revocation()) == {TOLD.offer.id, revocation().id}
    other.show(*flood[20:22])
    assert pull(sit(evil, other, who="Charlie"))[1].new == 2, "others are still listened to"
    seen = len(session.store.orders.having("regtest", Kind.JOB))
    clock[0] += allowance.SECONDS
    for _ in range(8):
        pull(session)
        clock[0] += allowance.SECONDS
    assert len(session.store.orders.having("regtest", Kind.JOB)) == 32 > seen


def test_what_was_passed_over_is_read_when_it_concerns_a_job_of_mine(
    sit: Sit, evils: Evils, clock: list[float]
) -> None:
    """Nobody in it was known when the flood came: neither the job, nor who may sign in it."""
    evil = evils()
    evil.page_size = 3
    theirs = (enroll(person("Alice"), True), enroll(person("Bob")), TOLD.offer)
    evil.show(*jobs(10), *(each.armored for each in theirs))
    session = sit(evil, who="Charlie")
    pull(session)
    assert kept(session, *theirs) == set()
    session.store.documents.add_own(TOLD.bid)
    session.store.documents.add_received([(TOLD.job, "x")])  # handed over in a file
    for _ in range(2):
        pull(session)
    assert kept(session, *theirs) == {each.id for each in theirs}


def test_one_signer_fills_no_allowance_of_others(
    sit: Sit, evils: Evils, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "SERVER_BYTES", 100_000)
    monkeypatch.setattr(allowance, "SIGNER_BYTES", 6_000)
    evil = evils()
    honest = job(person("Charlie"), person("Alice"))
    evil.show(*jobs(30), honest.armored)
    (report,) = pull(sit(evil, who="Dora"))
    assert report.new < 8
    assert kept(sit(evil, who="Dora"), honest) == {honest.id}


def test_who_only_names_a_party_as_the_author_is_bounded_as_a_stranger(
    sit: Sit, evils: Evils, clock: list[float]
) -> None:
    """Anybody can write that somebody else has written it."""
    evil = evils()
    thief = person("Thief")
    false = [
        with_changes(TOLD.offer, thief.delegate, creator_delegate_address=thief.delegate_address, block_height=height)
        for height in range(100, 130)
    ]
    evil.show(*(each.armored for each in false), TOLD.offer.armored)
    session = sit(evil, who="Charlie")
    session.store.documents.add_own(TOLD.bid)
    session.store.documents.add_received([(each, "x") for each in (*TOLD.enrollments, TOLD.job)])
    (report,) = pull(session)
    assert report.new < 12
    assert kept(session, TOLD.offer) == {TOLD.offer.id}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_a_flood_hides_it_all_of_my_job_comes_through(
    sit: Sit, evils: Evils, clock: list[float], seed: int
) -> None:
    """The mediator knows nothing yet: neither the job, nor anybody in it."""
    order = random.Random(seed)
    theirs = [*(enroll(person(name)) for name in ("Bob", "Charlie")), TOLD.job, *TOLD.documents]
    flood = [job(person("Bob"), person("Mallory"), job_id=f"pull{number:016}") for number in range(20)]
    shown = [each.armored for each in (*flood, *theirs)]
    order.shuffle(shown)
    evil = evils()
    evil.page_size = order.randint(1, 9)
    evil.show(*shown)
    session = sit(evil, who="Alice")
    session.store.documents.add_received([(enroll(person("Alice"), True), "x")])
    for _ in range(6):
        pull(session)
    assert kept(session, *theirs) == {each.id for each in theirs}
    assert len(session.store.orders.having("regtest", Kind.JOB)) < 12, "and no more of the flood than the bounds allow"


def test_junk_is_refused_one_by_one_up_to_a_bound(sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "MAX_REFUSED", 5)
    evil = evils()
    evil.page_size = 4
    good = jobs(30)
    evil.show(*(text.replace("Widget", "Gadget") for text in good[:12]), *good[12:])
    session = sit(evil)
    (report,) = pull(session)
    assert len(report.refused) == 5
    assert report.notes == ["it sent too much that is not a document; the rest is read another time"]
    monkeypatch.undo()
    assert pull(session)[0].new == 18, "what stood behind it is not lost"


def test_a_slow_server_is_left_behind_and_a_dead_one_named(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "STRAGGLER_SECONDS", 0.5)
    slow, good, better = evils(), evils(), evils()
    slow.delay = 30
    good.show(*TEXTS)
    session = sit(slow, good, better)
    began = time.monotonic()
    first, second, _ = pull(session)
    assert time.monotonic() - began < 5
    assert "is slow and was left behind" in str(first.error)
    assert second.shown == len(TEXTS)


def test_what_a_server_told_before_it_got_slow_is_kept(sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "STRAGGLER_SECONDS", 0.5)
    slow, good = evils(), evils()
    slow.page_size = 2
    slow.show(*jobs(6))

    def tire(_path: str, _asked: dict[str, str], answer: Any) -> Any:
        slow.delay = 30
        return answer

    slow.bend = tire
    first, _ = pull(sit(slow, good))
    assert first.new == 2
    assert first.error is not None
    slow.delay, slow.bend = 0, lambda _path, _asked, answer: answer
    assert pull(sit(slow, good))[0].new == 4


def test_a_newer_rein_reads_again_what_an_older_one_refused(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = evils()
    evil.show(*jobs(2))
    session = sit(evil)

    def refuse(_text: str) -> None:
        raise FieldError("it comes from a newer Rein")

    monkeypatch.setattr(pulling, "__version__", "0.3.9")
    monkeypatch.setattr(pulling, "verify", refuse)
    assert len(pull(session)[0].refused) == 2
    assert pull(session)[0].refused == []
    monkeypatch.undo()
    assert pull(session)[0].new == 2


def test_a_mistake_of_ours_is_not_hidden_as_a_servers(sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = evils()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pulling, "follow", broken)
    with pytest.raises(ZeroDivisionError):
        pull(sit(evil))


def test_without_servers_there_is_nothing_to_ask(sit: Sit) -> None:
    session = sit()
    assert pull(session) == []
    assert len(session.store.documents.of_kinds("regtest", *Kind)) == 1
