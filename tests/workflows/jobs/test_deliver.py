"""Delivering before there is anything to deliver into: it is said what the job waits for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.errors import OrderError
from rein.workflows.jobs.deliver import deliverable_order, orders_to_deliver
from tests.support.people import story
from tests.workflows.conftest import Home

TOLD = story()
JOB_ID = TOLD.job.document.job_id

OpenHome = Callable[[str], Home]


def test_a_bid_that_nobody_chose_waits_for_the_job_creator(home: OpenHome) -> None:
    charlie = home("Charlie")
    assert orders_to_deliver(charlie.session) == []
    charlie.learn(*TOLD.enrollments, TOLD.job, TOLD.bid)
    with pytest.raises(OrderError, match=f"your bid on {JOB_ID} waits for its creator to choose"):
        orders_to_deliver(charlie.session)


def test_an_offer_without_money_waits_for_it(home: OpenHome) -> None:
    charlie = home("Charlie")
    charlie.learn(*TOLD.enrollments, TOLD.job, TOLD.bid, TOLD.offer)
    assert [order.id for order in orders_to_deliver(charlie.session)] == [TOLD.job.id]
    with pytest.raises(OrderError, match="deliver when both escrows are funded"):
        deliverable_order(charlie.session, JOB_ID)
