"""Sealed bids at the desks of the creator and of strangers: what is opened, what is refused, what leaves the home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rein.protocol.orders import State
from rein.protocol.signed import Signed
from rein.workflows.jobs.offer import bids_on_my_jobs
from rein.workflows.jobs.sealed_bids import publish_offered, unopened_bids, unseal_bids
from rein.workflows.orders.build_view import view_of
from rein.workflows.orders.load import find_order, my_orders
from rein.workflows.session import Session
from tests.support.people import bid, enroll, job, offer, person, sealed_bid, story
from tests.workflows.conftest import Home

TOLD = story()
BOB, CHARLIE, MALLORY = TOLD.creator, TOLD.worker, person("Mallory")
CHEAPER = bid(CHARLIE, TOLD.job, amount=700_000)
SEALED = sealed_bid(CHARLIE, BOB, TOLD.job, TOLD.bid)

OpenHome = Callable[[str], Home]


@pytest.fixture
def bob(home: OpenHome) -> Home:
    """Bob has Charlie's sealed bid on his job."""
    opened = home("Bob")
    opened.learn(*TOLD.enrollments, enroll(MALLORY), TOLD.job, SEALED)
    return opened


def uploaded(session: Session) -> set[str]:
    """What a sync would give to servers."""
    publish_offered(session)
    return set(session.store.documents.own_ids("regtest", session.address))


def refusal(bob: Home, sealed: Signed[Any]) -> str:
    bob.learn(sealed)
    [refused] = [each for each in unseal_bids(bob.session) if each.sealed.id == sealed.id]
    assert refused.reason is not None
    return refused.reason.message


def test_it_is_opened_by_the_creator_and_stays_at_home_until_the_offer(bob: Home) -> None:
    assert [each.sealed for each in unopened_bids(bob.session)] == [SEALED]
    assert unseal_bids(bob.session) == []
    assert [signed.id for _, signed in bids_on_my_jobs(bob.session)] == [TOLD.bid.id]
    assert unopened_bids(bob.session) == []
    assert TOLD.bid.id not in uploaded(bob.session)
    assert bob.session.store.documents.sealed_bids("regtest") == {TOLD.bid.id}

    bob.session.store.documents.add_own(TOLD.offer)
    assert find_order(bob.session, TOLD.job.id).state is State.OFFERED
    assert TOLD.bid.id in uploaded(bob.session)
    assert bob.session.store.documents.sealed_bids("regtest") == set()


def test_what_it_waits_for_is_told(bob: Home) -> None:
    before = view_of(bob.session, find_order(bob.session, TOLD.job.id))
    assert (before.step.due.value, before.sealed_bids, before.bids) == ("act", 1, ())
    assert "rein bids --unseal" in before.step.text
    unseal_bids(bob.session)
    after = view_of(bob.session, find_order(bob.session, TOLD.job.id))
    assert (after.step.due.value, after.sealed_bids, len(after.bids)) == ("act", 0, 1)


def test_a_stranger_does_not_make_it_public_by_an_offer_of_his_own(bob: Home) -> None:
    unseal_bids(bob.session)
    bob.learn(offer(MALLORY, TOLD.bid, TOLD.job))
    assert TOLD.bid.id not in uploaded(bob.session)


def test_two_offers_by_the_creator_publish_both_bids(bob: Home) -> None:
    """Whoever was promised the job can show it, whatever else was promised."""
    hers = bid(MALLORY, TOLD.job)
    bob.learn(sealed_bid(MALLORY, BOB, TOLD.job, hers))
    unseal_bids(bob.session)
    for each in (TOLD.offer, offer(BOB, hers, TOLD.job)):
        bob.session.store.documents.add_own(each)
    assert {order.state for order in my_orders(bob.session).orders} == {State.FROZEN}
    assert {TOLD.bid.id, hers.id} <= uploaded(bob.session)


def test_others_learn_nothing_and_have_nothing_to_open(home: OpenHome) -> None:
    alice = home("Alice")
    alice.learn(*TOLD.enrollments, TOLD.job, SEALED)
    assert unopened_bids(alice.session) == []
    assert unseal_bids(alice.session) == []
    assert find_order(alice.session, TOLD.job.id).state is State.POSTED


def test_a_worker_without_his_own_bid_opens_it_again(home: OpenHome) -> None:
    charlie = home("Charlie")
    charlie.learn(*TOLD.enrollments, TOLD.job, SEALED)
    assert unseal_bids(charlie.session) == []
    assert find_order(charlie.session, TOLD.job.id).bids == (TOLD.bid,)
    assert TOLD.bid.id not in uploaded(charlie.session)
    charlie.learn(TOLD.offer)
    assert TOLD.bid.id in uploaded(charlie.session)


@pytest.mark.parametrize(
    "text",
    [
        "not a document",
        TOLD.job.armored,
        TOLD.bid.armored.replace("0.05", "0.04"),
        bid(CHARLIE, TOLD.job, amount=7).armored,
    ],
    ids=["no document", "a job", "changed", "another bid of his"],
)
def test_what_is_not_the_bid_it_names_is_refused(bob: Home, text: str) -> None:
    assert refusal(bob, sealed_bid(CHARLIE, BOB, TOLD.job, TOLD.bid, text))
    assert [each.id for _, each in bids_on_my_jobs(bob.session)] == [TOLD.bid.id], (
        "the true one was opened, and no other"
    )


def test_the_bid_of_another_is_refused(bob: Home) -> None:
    """Mallory cannot pass on as hers what Charlie once signed, nor make Bob believe that he bid sealed."""
    assert "of somebody else" in refusal(bob, sealed_bid(MALLORY, BOB, TOLD.job, TOLD.bid))


def test_a_bid_on_another_job_is_refused(bob: Home) -> None:
    other = job(BOB, TOLD.mediator, enroll(TOLD.mediator, mediator=True), job_id="aaaaaaaaaaaaaaaaaaaa")
    elsewhere = bid(CHARLIE, other)
    assert "on another job" in refusal(bob, sealed_bid(CHARLIE, BOB, TOLD.job, elsewhere))


def test_sealed_for_somebody_else_it_does_not_open(bob: Home) -> None:
    wrong = sealed_bid(
        CHARLIE, BOB, TOLD.job, TOLD.bid, sealed=sealed_bid(MALLORY, BOB, TOLD.job, TOLD.bid).document.sealed
    )
    assert "another key" in refusal(bob, wrong)


def test_one_that_does_not_open_hinders_no_other(bob: Home) -> None:
    bob.learn(sealed_bid(MALLORY, BOB, TOLD.job, bid(MALLORY, TOLD.job), "rubbish"))
    assert len(unseal_bids(bob.session)) == 1
    assert [signed.id for _, signed in bids_on_my_jobs(bob.session)] == [TOLD.bid.id]
