"""What is an event, for whom, and which hooks get it; without any server or chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rein.protocol.documents import Role
from rein.protocol.signed import Signed
from rein.store.tables.chain_tip import SeenBlock
from rein.store.tables.hidden import Hidden, Hideable
from rein.workflows.notify import watch as watching
from rein.workflows.notify.events import EventType, Wanted, news
from rein.workflows.notify.watch import Round, Watch, watch_round
from rein.workflows.session import Session
from tests.support.people import TIME, bid, enroll, job, person, rating, story
from tests.workflows.conftest import Sit

TOLD = story()
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
LOST = bid(MALLORY, TOLD.job)
DAY = 86_400


class Ear:
    """A hook that remembers, and fails while it is told to."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.fails = False

    def notify(self, event: Mapping[str, Any], body: str) -> str | None:
        if self.fails:
            return "it is deaf"
        self.heard.append(f"{event['type']} {event['job_name']}")
        return None


def receive(session: Session, *documents: Signed[Any]) -> None:
    session.store.documents.add_received([(each, "http://x/") for each in documents])


def round_of(session: Session, ear: Ear, clock: int = TIME, **wanted: Any) -> Round:
    return watch_round(session, Watch([ear], wanted=Wanted(**wanted)), clock, lambda _: [])


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("Bob", {"bid", "delivery", "rating"}),
        ("Alice", {"offer", "delivery", "acceptance"}),
        ("Charlie", {"offer", "acceptance", "rating"}),
        ("Mallory", {"lost"}),
    ],
)
def test_who_is_told_what_of_a_job(sit: Sit, who: str, expected: set[str]) -> None:
    session = sit(who=who)
    ratings = [
        rating(CHARLIE, TOLD.offer, Role.WORKER, BOB, Role.CREATOR),
        rating(BOB, TOLD.offer, Role.CREATOR, CHARLIE, Role.WORKER),
    ]
    receive(session, *TOLD.enrollments, TOLD.job, *TOLD.documents, LOST, *ratings)
    assert {event.type.value for event in news(session, set())} == expected


def test_a_bidder_is_told_that_he_lost_once_and_no_more_of_that_job(sit: Sit) -> None:
    session, ear = sit(who="Mallory"), Ear()
    receive(session, *TOLD.enrollments, TOLD.job, TOLD.bid, LOST)
    round_of(session, ear)
    assert ear.heard == []
    receive(session, TOLD.offer)
    round_of(session, ear)
    receive(session, TOLD.delivery, TOLD.acceptance)
    round_of(session, ear)
    assert ear.heard == ["lost A Software Widget"]


def new_job(number: int, **changes: Any) -> Signed[Any]:
    return job(MALLORY, ALICE, job_id=f"{number:020d}", name=f"Job {number}", **changes)


def test_which_new_jobs_are_told(sit: Sit) -> None:
    session, ear = sit(), Ear()
    receive(session, *TOLD.enrollments)
    session.store.chain_tip.set("regtest", SeenBlock(200, TIME + 20 * DAY))
    round_of(session, ear)
    today = TIME + 20 * DAY
    receive(
        session,
        new_job(1, tags=("music",), time=today, description="Write a theme song."),
        new_job(2, tags=("music",), time=today, description="Write a jingle."),
        new_job(3, tags=("web",), time=today, description="A song about themes."),
        new_job(4, tags=("music",), description="Expired by the newest block: a theme song."),
        new_job(6, tags=("music",), time=today + 400 * DAY, description="From the future: a theme song."),
    )
    result = round_of(session, ear, clock=TIME, tags=("music", "art"), words="SONG theme")
    assert (ear.heard, result.new) == (["job Job 1"], 1)
    round_of(session, ear)
    assert ear.heard == ["job Job 1"], "what was passed over is not told later"


def test_hidden_people_post_in_silence(sit: Sit) -> None:
    session, ear = sit(), Ear()
    receive(session, *TOLD.enrollments)
    round_of(session, ear)
    session.store.hidden.add("regtest", Hidden(Hideable.PERSON, MALLORY.master_address, ""))
    receive(session, new_job(1))
    round_of(session, ear)
    assert ear.heard == []


def test_a_hook_that_fails_for_ever_is_given_up_and_that_is_said(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_ATTEMPTS", 3)
    session, ear = sit(), Ear()
    receive(session, *TOLD.enrollments)
    round_of(session, ear)
    receive(session, new_job(1))
    ear.fails = True
    results = [round_of(session, ear) for _ in range(4)]
    assert [each.waiting for each in results] == [1, 1, 0, 0]
    assert [len(each.failures) for each in results] == [1, 1, 1, 0]
    assert "given up after 3 attempts" in results[2].failures[0]
    assert "given up" not in results[1].failures[0]


def test_an_event_outlives_the_program_that_dies_before_it_tells(sit: Sit) -> None:
    """As after a kill -9 between the note of an event and the hook."""
    session, ear = sit(), Ear()
    receive(session, *TOLD.enrollments)
    round_of(session, ear)
    receive(session, new_job(1))

    class Death(BaseException):
        pass

    def die(*_: object) -> None:
        raise Death

    ear.notify, kept = die, ear.notify  # type: ignore[method-assign, assignment]
    with pytest.raises(Death):
        round_of(session, ear)
    ear.notify = kept  # type: ignore[method-assign]
    for _ in range(2):
        round_of(session, ear)
    assert ear.heard == ["job Job 1"]


def test_a_chain_that_is_away_is_a_failure_of_the_round_and_is_told_once_in_it(sit: Sit) -> None:
    session = sit()
    receive(session, *TOLD.enrollments, TOLD.job)
    assert watching.fetch(session) == ["The chain was not asked for the time: nobody looks at the chain here"]
    receive(session, TOLD.bid, TOLD.offer)
    assert watching.fetch(session) == ["The chain was not looked at: nobody looks at the chain here"]


def test_nothing_is_told_of_types_nobody_wants(sit: Sit) -> None:
    session, ear = sit(), Ear()
    receive(session, *TOLD.enrollments, TOLD.job)
    watching.watch_round(session, Watch([ear], frozenset({EventType.MESSAGE})), TIME, lambda _: [])
    receive(session, TOLD.bid, enroll(person("Zoe")))
    assert watch_round(session, Watch([ear], frozenset({EventType.MESSAGE})), TIME, lambda _: []).new == 0
    round_of(session, ear)
    assert ear.heard == []
