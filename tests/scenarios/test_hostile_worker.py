"""A worker who signs whatever he likes: nobody loses a satoshi, and the honest two finish."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.btc.amounts import Sat
from rein.errors import EscrowError, OrderError, RejectedError
from rein.protocol.documents import Role
from rein.protocol.orders import State
from tests.scenarios.stage import FEE, PRICE, Play
from tests.support import people
from tests.support.money_steps import plan_bump, prepare_collection, send_bump

PRIMARY, MEDIATOR = "primary", "mediator"


def finish_by_award(play: Play) -> None:
    """The way that is always open to an honest creator: the mediator's word."""
    play.dispute(play.creator, "Not what I asked for.")
    play.resolve(0)
    play.take(play.creator)
    play.ends(State.SETTLED, worker=0, mediator=FEE)


def test_a_delivery_for_another_job(play: Play, new_play: Callable[[], Play]) -> None:
    play.funded()
    other = new_play()
    other.delivered()
    charlie = play.worker.person
    with play.nothing_moves():
        play.tell(people.delivery(charlie, play.offer, previous=other.delivery.id), play.worker)
        play.tell(people.delivery(charlie, play.offer, previous=play.bid.id), play.worker)
        play.tell(people.delivery(charlie, other.offer, job_document=play.job.id), play.worker)
        with pytest.raises(OrderError, match="no delivery to accept"):
            play.accept()
    finish_by_award(play)


@pytest.mark.parametrize("gets", [PRICE, 1_400_000, 1_000_001])
def test_a_settlement_that_gives_more_than_it_says(play: Play, gets: int) -> None:
    play.delivered()
    primary = play.psbt(PRIMARY, (play.worker, gets), (play.creator, PRICE - gets), by=play.worker)
    if gets == PRICE:
        primary = play.psbt(PRIMARY, (play.worker, gets), by=play.worker)
    terms = {
        "worker_amount": Sat(1_000_000),
        "primary_psbt": primary,
        "mediator_psbt": play.good(MEDIATOR, by=play.worker),
    }
    signed = people.settlement(play.worker.person, play.offer, role=Role.WORKER, **terms)
    with play.nothing_moves():
        play.tell(signed, play.worker)
        with pytest.raises(EscrowError):
            play.agree(play.creator, signed)
    finish_by_award(play)


def test_a_settlement_whose_fee_goes_elsewhere(play: Play) -> None:
    """Its other payment is as agreed; but nobody completes one half of a document whose other half is junk."""
    play.delivered()
    good = play.psbt(PRIMARY, (play.worker, 1_000_000), (play.creator, 500_000), by=play.worker)
    junk = play.psbt(MEDIATOR, (play.worker, FEE), by=play.worker)
    terms = {"worker_amount": Sat(1_000_000), "primary_psbt": good, "mediator_psbt": junk}
    signed = people.settlement(play.worker.person, play.offer, role=Role.WORKER, **terms)
    with play.nothing_moves():
        play.tell(signed, play.worker)
        with pytest.raises((EscrowError, OrderError)):
            play.collect(play.mediator)
        with pytest.raises(EscrowError, match="the mediator payment"):
            play.agree(play.creator, signed)
    finish_by_award(play)


@pytest.mark.parametrize("pays", ["the worker", "a stranger", "a part only", "the miner"])
def test_a_refund_that_gives_nothing_back(play: Play, pays: str) -> None:
    play.funded()
    outputs = {
        "the worker": [(play.worker, PRICE)],
        "a stranger": [(play.stranger, PRICE)],
        "a part only": [(play.creator, 500_000), (play.worker, 900_000)],
        "the miner": [(play.creator, 100_000)],
    }[pays]
    signed = people.refund(
        play.worker.person,
        play.offer,
        role=Role.WORKER,
        primary_psbt=play.psbt(PRIMARY, *outputs, by=play.worker),
        mediator_psbt=play.good(MEDIATOR, by=play.worker),
    )
    with play.nothing_moves():
        play.tell(signed, play.worker)
        with pytest.raises(EscrowError):
            play.agree(play.creator, signed)
    finish_by_award(play)


def test_he_collects_once_and_no_more(play: Play) -> None:
    """What came into the escrow after the acceptance is not his, whatever he keeps of the acceptance."""
    play.accepted()
    play.collect(play.worker)
    play.mine()
    play.fund(mediator=0)
    with pytest.raises(OrderError, match="already"):
        play.collect(play.worker)
    play.collect(play.mediator)
    play.mine()
    (left,) = play.outputs(PRIMARY)
    play.books(left=left.amount, worker=PRICE, mediator=FEE)


def test_a_bump_that_steals(play: Play) -> None:
    """A replacement that leaves the creator less than its document says is not signed; a child spends one's own."""
    play.delivered()
    play.agree(play.creator, play.settle(play.worker, 1_000_000))
    terms = {
        "worker_amount": Sat(900_000),
        "creator_amount": Sat(500_000),
        "primary_psbt": play.psbt(PRIMARY, (play.worker, 1_300_000), (play.creator, 100_000), by=play.worker),
        "mediator_psbt": play.good(MEDIATOR, by=play.worker),
    }
    signed = play.tell(people.settlement(play.worker.person, play.offer, role=Role.WORKER, **terms), play.worker)
    with pytest.raises(EscrowError):
        play.agree(play.creator, signed)
    send_bump(play.worker.session, plan_bump(play.worker.session, play.seen_by(play.worker), 50))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=1_000_000, mediator=FEE)


def test_he_cannot_replace_alone_what_waits(play: Play) -> None:
    play.delivered()
    play.agree(play.creator, play.settle(play.worker, 1_000_000))
    more = play.settle(play.worker, PRICE)
    with pytest.raises(OrderError):
        play.agree(play.worker, more)
    with pytest.raises((RejectedError, OrderError)):
        play.agree(play.creator, more)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=1_000_000, mediator=FEE)


def test_he_takes_a_decision_with_payments_of_his_own(play: Play) -> None:
    """An accepted resolution is held against the resolution it answers, not against what it carries."""
    play.disputed()
    resolution = play.resolve(PRICE // 2)
    taken = people.accept_resolution(
        play.worker.person,
        resolution,
        primary_psbt=play.psbt(PRIMARY, (play.worker, PRICE), by=play.worker),
        mediator_psbt=play.psbt(MEDIATOR, (play.worker, FEE), by=play.worker),
    )
    with play.nothing_moves():
        play.tell(taken, play.worker)
        ready = prepare_collection(play.mediator.session, play.seen_by(play.mediator))
        assert [each.escrow_id for each in ready] == [MEDIATOR], "her own fee, and nothing of his"
        assert ready[0].proposal.document != taken
    play.take(play.creator)
    play.ends(State.SETTLED, worker=PRICE // 2, mediator=FEE)


def test_a_dispute_in_every_direction(play: Play) -> None:
    """Disputes that answer what they must not, and one with a fee for himself."""
    play.delivered()
    charlie = play.worker.person
    with play.nothing_moves():
        play.tell(people.worker_dispute(charlie, play.offer, previous=play.bid.id), play.worker)
        play.tell(people.worker_dispute(charlie, play.offer, previous="f" * 64), play.worker)
    junk = play.psbt(MEDIATOR, (play.worker, FEE), by=play.worker)
    with play.nothing_moves(State.DISPUTED):
        play.tell(people.worker_dispute(charlie, play.delivery, mediator_psbt=junk), play.worker)
        with pytest.raises((EscrowError, OrderError)):
            play.collect(play.mediator)
    play.accept()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
