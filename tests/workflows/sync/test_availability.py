"""What servers show of others' documents in my jobs: what one never had is told apart from what it showed and hides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.protocol.signed import Signed
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order
from rein.workflows.session import Session
from rein.workflows.sync import availability
from rein.workflows.sync.availability import Availability, check_availability
from rein.workflows.sync.availability import DocumentAvailability as At
from rein.workflows.sync.sync import sync
from tests.support.evil_server import EvilServer
from tests.support.people import bid, enroll, person, respelled, story
from tests.workflows.conftest import Sit

Evils = Callable[[], EvilServer]
TOLD = story()
ALICE, CHARLIE = enroll(person("Alice"), True), enroll(person("Charlie"))
THEIRS: tuple[Signed[object], ...] = (ALICE, CHARLIE, TOLD.bid, TOLD.delivery)


def bobs(sit: Sit, *servers: EvilServer) -> Session:
    """Bob's session; he gave his job away, and Charlie has delivered."""
    session = sit(*servers)
    for signed in (TOLD.job, TOLD.offer):
        session.store.documents.add_own(signed)
    return session


def found(session: Session) -> list[set[tuple[str, Availability]]]:
    """By server, what a sync finds."""
    return [{(each.document_id, each.showing) for each in server.differences} for server in sync(session).servers]


def hide(evil: EvilServer, signed: Signed[object]) -> None:
    """Show it no more, and say nothing of it."""
    evil.feed = [each for each in evil.feed if each["id"] != signed.id]


def show(evil: EvilServer, *documents: Signed[object]) -> None:
    evil.show(*(each.armored for each in documents))


def test_servers_that_show_everything_differ_in_nothing(sit: Sit, evils: Evils) -> None:
    one, two = evils(), evils()
    show(one, *THEIRS)
    two.show(*(respelled(each.armored) for each in THEIRS))
    session = bobs(sit, one, two)
    sync(session)
    for server in sync(session).servers:
        assert (server.foreign, server.differences) == (len(THEIRS), [])


def test_what_a_server_never_had_is_not_called_hidden(sit: Sit, evils: Evils) -> None:
    one, two = evils(), evils()
    show(one, *THEIRS)
    show(two, ALICE, CHARLIE, TOLD.bid)
    two.refused = {TOLD.delivery.id}
    session = bobs(sit, one, two)
    assert found(session) == [set(), set()], "nothing is known yet that could be missed"
    for _ in range(2):
        assert found(session) == [set(), {(TOLD.delivery.id, Availability.ABSENT)}]
    (lacked,) = sync(session).servers[1].differences
    assert (lacked.kind, lacked.job_id) == ("delivery", TOLD.job.document.job_id)
    show(two, TOLD.delivery)
    assert found(session) == [set(), set()]


def test_what_a_server_showed_and_hides_is_named_until_it_shows_it_again(sit: Sit, evils: Evils) -> None:
    one, two = evils(), evils()
    show(one, *THEIRS)
    show(two, *THEIRS)
    session = bobs(sit, one, two)
    for _ in range(2):
        assert found(session) == [set(), set()]
    hide(two, TOLD.delivery)
    two.refused = {TOLD.delivery.id}  # else it has it again from Bob
    for _ in range(2):
        assert found(session) == [set(), {(TOLD.delivery.id, Availability.WITHHELD)}]
    show(two, TOLD.delivery)
    assert found(session) == [set(), set()]


def test_who_brought_a_document_here_has_shown_it(sit: Sit, evils: Evils) -> None:
    evil = evils()
    show(evil, *THEIRS)
    session = bobs(sit, evil)
    pull(session)
    hide(evil, TOLD.delivery)
    assert found(session) == [{(TOLD.delivery.id, Availability.WITHHELD)}]


def test_a_removal_that_the_feed_tells_is_one_whoever_reads_it(sit: Sit, evils: Evils) -> None:
    evil = evils()
    show(evil, *THEIRS)
    session = bobs(sit, evil)
    for _ in range(2):
        assert found(session) == [set()]
    evil.remove(TOLD.delivery.id)
    pull(session)  # as most commands do
    evil.refused = {TOLD.delivery.id}
    for _ in range(2):
        assert found(session) == [{(TOLD.delivery.id, Availability.REMOVED)}]
    show(evil, TOLD.delivery)
    assert found(session) == [set()]


def test_another_text_is_named(sit: Sit, evils: Evils) -> None:
    evil = evils()
    show(evil, *THEIRS)
    session = bobs(sit, evil)
    sync(session)
    for each in evil.feed:
        if each["id"] == TOLD.delivery.id:
            each["armored"] = TOLD.bid.armored
    assert found(session) == [{(TOLD.delivery.id, Availability.ALTERED)}]


def test_the_enrollment_of_the_mediator_is_asked_for_too(sit: Sit, evils: Evils) -> None:
    evil = evils()
    show(evil, *THEIRS)
    session = bobs(sit, evil)
    sync(session)
    hide(evil, ALICE)
    (gone,) = sync(session).servers[0].differences
    assert (gone.document_id, gone.kind, gone.job_id, gone.showing) == (
        ALICE.id,
        "enrollment",
        None,
        Availability.WITHHELD,
    )


def test_jobs_of_others_are_not_asked_for(sit: Sit, evils: Evils) -> None:
    evil = evils()
    show(evil, *TOLD.enrollments, TOLD.job, *TOLD.documents)
    session = sit(evil, who="Dora")
    for _ in range(2):
        (server,) = sync(session).servers
        assert server.foreign == 0


def test_bids_by_any_number_of_strangers_push_nothing_else_out(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "SAMPLE", 5)
    evil = evils()
    strangers = [person(f"Stranger{number}") for number in range(6)]
    show(evil, *THEIRS, *(enroll(each) for each in strangers), *(bid(each, TOLD.job) for each in strangers))
    session = bobs(sit, evil)
    sync(session)
    hide(evil, TOLD.delivery)
    asked = {each.id for each in availability.sample_of_others(session)}
    assert TOLD.delivery.id in asked
    assert len(asked) == 5
    assert found(session) == [{(TOLD.delivery.id, Availability.WITHHELD)}]


def test_one_job_is_looked_up_at_every_server(sit: Sit, evils: Evils) -> None:
    one, two, dead = evils(), evils(), EvilServer()
    dead.url = "http://127.0.0.1:9/"
    show(one, *THEIRS)
    show(two, *THEIRS)
    session = bobs(sit, one, two, dead)
    for _ in range(2):
        sync(session)
    hide(one, TOLD.offer)
    hide(two, TOLD.delivery)
    sights = check_availability(session, find_order(session, TOLD.job.id))
    shown = [(each.url, each.document_id) for each in sights if each.showing is Availability.AVAILABLE]
    everywhere = [(url, each.id) for url in (one.url, two.url) for each in (TOLD.job, TOLD.bid)]
    assert set(shown) == {*everywhere, (one.url, TOLD.delivery.id), (two.url, TOLD.offer.id)}
    assert At(one.url, TOLD.offer.id, Availability.WITHHELD, None) in sights, "mine, and proved to be there once"
    assert At(two.url, TOLD.delivery.id, Availability.WITHHELD, None) in sights
    assert [str(each.error) for each in sights if each.url == dead.url and "cannot be reached" in str(each.error)]
