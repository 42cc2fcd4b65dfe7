"""The same person at two windows: of two documents that contradict each other, the home keeps the first."""

from __future__ import annotations

from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.errors import OrderError
from rein.protocol.documents import Rating, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.jobs.post import JobDraft, find_mediator
from rein.workflows.orders.load import find_order
from rein.workflows.orders.outbox import add_to_outbox
from rein.workflows.orders.reply import sign_as
from tests.scenarios.stage import Actor, Play, signed_bid, signed_job, signed_offer
from tests.support.money_steps import (
    build_acceptance,
    build_refund,
    build_resolution,
    build_settlement,
    plan_acceptance,
    plan_refund,
    plan_resolution,
    plan_settlement,
)


def _one_of(who: Actor, first: Signed[Any], second: Signed[Any]) -> None:
    """Both were signed before either was kept."""
    assert first.id != second.id
    add_to_outbox(who.session, first)
    add_to_outbox(who.session, first)
    with pytest.raises(OrderError, match=r"contradict|rated this person"):
        add_to_outbox(who.session, second)
    assert who.session.store.documents.get(first.id) == first
    assert who.session.store.documents.get(second.id) is None


def test_offers_to_two_bids(play: Play) -> None:
    play.post()
    order = find_order(play.worker.session, play.name)
    for who in (play.worker, play.stranger):
        play.tell(signed_bid(who.session, order, f"By {who.name}.", Sat(1_000_000)), who)
    session, order = play.creator.session, find_order(play.creator.session, play.name)
    first, second = (signed_offer(session, order, bid, 10) for bid in order.bids)
    _one_of(play.creator, first, second)
    assert find_order(session, play.name).state is State.OFFERED


def test_offers_to_one_bid_with_another_fee(play: Play) -> None:
    play.post()
    order = find_order(play.worker.session, play.name)
    play.tell(signed_bid(play.worker.session, order, "Yes.", Sat(1_000_000)), play.worker)
    order = find_order(play.creator.session, play.name)
    first, second = (signed_offer(play.creator.session, order, order.bids[0], rate) for rate in (10, 11))
    _one_of(play.creator, first, second)


def test_acceptances(play: Play) -> None:
    play.delivered()
    order = play.seen_by(play.creator)
    first, second = (
        build_acceptance(play.creator.session, plan_acceptance(play.creator.session, order, rate)) for rate in (3, 4)
    )
    _one_of(play.creator, first, second)
    assert play.seen_by(play.creator).state is State.ACCEPTED


def test_decisions(play: Play) -> None:
    play.disputed()
    session, order = play.mediator.session, play.seen_by(play.mediator)
    first, second = (
        build_resolution(session, plan_resolution(session, order, Sat(amount)), "So.") for amount in (0, 1_000_000)
    )
    _one_of(play.mediator, first, second)


def test_ratings(play: Play) -> None:
    play.accepted()
    session, order = play.creator.session, play.seen_by(play.creator)
    first, second = (_rating(play, order, stars) for stars in (1, 5))
    _one_of(play.creator, first, second)
    assert len(find_order(session, play.name).void_ratings) == 0


def _rating(play: Play, order: Order, stars: int) -> Signed[Rating]:
    about = {"rated_role": Role.WORKER, "rated_master_address": play.worker.person.master_address}
    return sign_as(play.creator.session, order, Role.CREATOR, Rating, order.contract_id, **about, rating=stars)


def test_proposals_stand_beside_each_other(play: Play) -> None:
    play.delivered()
    session, order = play.creator.session, play.seen_by(play.creator)
    for amount in (1_000_000, 1_200_000):
        add_to_outbox(session, build_settlement(session, plan_settlement(session, order, Sat(amount)), "So."))
    assert len(play.seen_by(play.creator).settlements) == 2


def test_in_a_frozen_job_one_can_still_act(play: Play) -> None:
    """Two acceptances were published, from two homes of the same person."""
    play.delivered()
    order = play.seen_by(play.creator)
    for signed in [
        build_acceptance(play.creator.session, plan_acceptance(play.creator.session, order, rate)) for rate in (3, 4)
    ]:
        play.tell(signed, play.creator)
    assert play.state is State.FROZEN
    session, order = play.creator.session, play.seen_by(play.creator)
    add_to_outbox(session, build_refund(session, plan_refund(session, order), "So."))
    assert len(play.seen_by(play.creator).refunds) == 1


def test_nothing_is_kept_where_it_fails(play: Play) -> None:
    """The lock is given back, and what was written under it is not there."""
    play.post()
    session = play.creator.session
    posted = signed_job(session, JobDraft("x", "y", None, 14, find_mediator(session, play.mediator.name)))

    def fail() -> None:
        with session.store.exclusive():
            session.store.documents.add_own(posted)
            assert session.store.documents.get(posted.id) == posted, "it is read where it was written"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert session.store.documents.get(posted.id) is None
    session.store.documents.add_own(posted)
