"""Where things stand in a story, and what is told of money that this home never saw come."""

from __future__ import annotations

import time
from dataclasses import replace

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.orders.load import find_order
from rein.workflows.status.story import story_of
from tests.support.people import HEIGHT, accept, delivery, story
from tests.workflows.conftest import Sit

TOLD = story()


def test_no_document_is_placed_below_a_later_block(sit: Sit) -> None:
    """Documents name a block six below the tip at signing, so the delivery names one from before the money came."""
    session, came = sit(), HEIGHT + 8
    session.store.documents.add_received(
        [(each, "http://x/") for each in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]
    )
    terms = (TOLD.offer.document.primary_amount, TOLD.offer.document.mediator_amount)
    outputs = [
        EscrowOutput(TOLD.offer.id, purse, OutPoint(digit * 64, 0), amount, came, 3)
        for purse, digit, amount in zip(("primary", "mediator"), "23", terms, strict=True)
    ]
    session.store.escrows.observe(TOLD.offer.id, outputs, [])
    events = story_of(session, find_order(session, TOLD.job.id))
    places = [each.place for each in events]
    assert places == sorted(places)
    assert all(each.place >= each.height for each in events)
    delivered = next(each for each in events if "delivered" in each.what)
    assert delivered.height == TOLD.delivery.document.block_height < came == delivered.place
    assert [each.what.split()[-1] for each in events].index("escrow") < events.index(delivered)


def test_nothing_is_above_what_it_answers_whatever_height_it_names(sit: Sit) -> None:
    session = sit()
    early = delivery(TOLD.worker, TOLD.offer, block_height=1)
    accepted = accept(TOLD.creator, early, block_height=2)
    documents = (*TOLD.enrollments, TOLD.job, TOLD.bid, TOLD.offer, early, accepted)
    session.store.documents.add_received([(each, "http://x/") for each in documents])
    told = [each.document_id for each in story_of(session, find_order(session, TOLD.job.id))]
    assert told == [each.id for each in (TOLD.job, TOLD.bid, TOLD.offer, early, accepted)]


def test_it_is_noted_when_this_home_first_learned_of_each_thing(sit: Sit) -> None:
    session, before = sit(), int(time.time())
    session.store.documents.add_received(
        [(each, "http://x/") for each in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]
    )
    output = EscrowOutput(TOLD.offer.id, "primary", OutPoint("22" * 32, 0), Sat(7), HEIGHT + 8, 3)
    ending = ("acceptance", TOLD.acceptance.id)
    paid = Payment(TOLD.offer.id, "primary", "11" * 32, Sat(5), Sat(0), Sat(2), None, 0, *ending)
    session.store.escrows.observe(TOLD.offer.id, [output], [paid])
    events = story_of(session, find_order(session, TOLD.job.id))
    learned = {each.txid or each.document_id: each.learned for each in events}
    assert all(before <= (each or 0) <= time.time() for each in learned.values())
    names = {"11" * 32, f"{'22' * 32}:0", TOLD.job.id}
    assert session.store.learned.times(names).keys() == names
    session.store.escrows.observe(TOLD.offer.id, [replace(output, confirmations=4)], [replace(paid, confirmations=1)])
    again = story_of(session, find_order(session, TOLD.job.id))
    assert {each.txid or each.document_id: each.learned for each in again} == learned, "the first time counts"


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


def test_what_money_proves_comes_before_it(sit: Sit) -> None:
    """The bid makes the keys of the escrows, so it was there before anybody could pay, whatever block it names."""
    session = sit()
    documents = (*TOLD.enrollments, TOLD.job, *TOLD.documents)
    session.store.documents.add_received([(each, "http://x/") for each in documents])
    came = EscrowOutput(TOLD.offer.id, "primary", OutPoint("22" * 32, 0), Sat(7), HEIGHT + 2, 9)
    paid = Payment(
        *(TOLD.offer.id, "primary", "11" * 32, Sat(5), Sat(0), Sat(2), HEIGHT + 5, 4, "acceptance"),
        TOLD.acceptance.id,
    )
    session.store.escrows.observe(TOLD.offer.id, [came], [paid])
    events = story_of(session, find_order(session, TOLD.job.id))
    order = [each.document_id or each.txid for each in events]
    first, last = order.index("22" * 32), order.index("11" * 32)
    assert {TOLD.job.id, TOLD.bid.id} == set(order[:first])
    assert order[last - 1] == TOLD.acceptance.id
    places = [each.place for each in events]
    assert places == sorted(places)
