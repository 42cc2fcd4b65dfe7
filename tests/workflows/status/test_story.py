"""Where things stand in a story, and what is told of money that this home never saw come."""

from __future__ import annotations

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.store.escrows import EscrowOutput, Payment
from rein.workflows.orders.load import find_order
from rein.workflows.status.story import story_of
from tests.support.people import HEIGHT, story
from tests.workflows.conftest import Sit

TOLD = story()


def test_what_came_unseen_stands_before_the_payment_that_spent_it(sit: Sit) -> None:
    session = sit()
    session.store.documents.add_received(
        [(each, "http://x/") for each in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]
    )
    amount = TOLD.offer.document.primary_amount
    spent = EscrowOutput(TOLD.offer.id, "primary", OutPoint("22" * 32, 0), amount, None, 0, spent=True)
    paid = Payment(
        *(TOLD.offer.id, "primary", "11" * 32, Sat(5), Sat(0), Sat(9), HEIGHT + 20, 3, "acceptance"),
        TOLD.acceptance.id,
    )
    session.store.escrows.observe(TOLD.offer.id, [spent], [paid])
    told = [(each.height, each.what) for each in story_of(session, find_order(session, TOLD.job.id))]
    came = next(each for each in told if "came into the primary escrow" in each[1])
    assert came[0] == HEIGHT + 20
    assert came[1].endswith("in this block or before")
    assert told.index(came) < next(number for number, each in enumerate(told) if "escrow paid" in each[1])
