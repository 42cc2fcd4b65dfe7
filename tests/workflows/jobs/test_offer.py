"""Offering a job: once, and answered with the same offer when it is asked for again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rein.errors import InputError, NotFoundError, OrderError
from rein.protocol.signed import Signed
from rein.workflows.jobs import bid as bids
from rein.workflows.jobs.offer import bids_on_my_jobs, commit, find_bid, prepare
from rein.workflows.orders.load import find_order
from tests.support.people import bid, enroll, job, person, story
from tests.workflows.conftest import Home

TOLD = story()
MALLORY = person("Mallory")
OTHER = bid(MALLORY, TOLD.job)

OpenHome = Callable[[str], Home]


@pytest.fixture
def bob(home: OpenHome) -> Home:
    opened = home("Bob")
    opened.learn(*TOLD.enrollments, enroll(MALLORY), TOLD.job, TOLD.bid, OTHER)
    return opened


def test_what_is_signed_is_what_was_planned(bob: Home) -> None:
    order = find_order(bob.session, TOLD.job.id)
    plan = prepare(bob.session, order, TOLD.bid, 7)
    assert plan.outlay == sum(plan.amounts)
    assert plan.amounts == (plan.document.primary_amount, plan.document.mediator_amount)
    assert plan.feerate == 7
    result = commit(bob.session, plan, dry_run=True)
    assert (result.signed.document.amount, result.stored) == (TOLD.bid.document.amount, False)
    assert find_order(bob.session, TOLD.job.id).offer is None
    assert commit(bob.session, plan).signed.text.startswith(result.signed.text.split("\nEscrow key signature")[0])


def test_a_repeated_offer_is_answered_with_the_first(bob: Home) -> None:
    first = commit(bob.session, prepare(bob.session, *find_bid(bob.session, TOLD.bid.id), 7))
    assert "repeated" not in first.json()
    for name in (TOLD.bid.id, TOLD.bid.id[:8], TOLD.job.document.job_id):
        again = commit(bob.session, prepare(bob.session, *find_bid(bob.session, name), 9))
        assert (again.signed, again.repeated) == (first.signed, True)
        assert again.json() == first.json() | {"repeated": True}
    with pytest.raises(NotFoundError):
        find_bid(bob.session, OTHER.id)
    with pytest.raises(OrderError, match="it can be offered once only"):
        prepare(bob.session, find_order(bob.session, TOLD.job.id), OTHER, 7)
    assert bids_on_my_jobs(bob.session) == []


def test_a_price_that_no_money_can_pay_is_refused(home: OpenHome) -> None:
    charlie = home("Charlie")
    lasting = job(TOLD.creator, TOLD.mediator, expiration_days=3_650)
    charlie.learn(*TOLD.enrollments, lasting)
    order = find_order(charlie.session, lasting.id)
    for amount in (2_100_000_000_000_000, 2_090_000_000_000_000):
        with pytest.raises(InputError, match="21,000,000 BTC that will ever be"):
            bids.prepare(charlie.session, order, "I", amount)
    assert bids.prepare(charlie.session, order, "I", 2_000_000_000_000_000).document.amount == 2_000_000_000_000_000


@pytest.mark.parametrize(
    ("documents", "why"), [((), "has expired"), ((TOLD.bid, TOLD.offer), "takes no bids any more")]
)
def test_no_bid_is_prepared_on_a_job_that_is_over(home: OpenHome, documents: tuple[Signed[Any], ...], why: str) -> None:
    charlie = home("Charlie")
    charlie.learn(*TOLD.enrollments, TOLD.job, *documents)
    with pytest.raises(OrderError, match=why):
        bids.prepare(charlie.session, find_order(charlie.session, TOLD.job.id), "I", 1_000_000)
