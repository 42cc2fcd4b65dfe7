"""A mediator who signs whatever she likes. Alone she takes nothing, and the other two finish without her."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.btc.amounts import Sat
from rein.btc.psbt import Psbt
from rein.errors import EscrowError, OrderError, ReinError
from rein.protocol.documents import DisputeResolution, Role
from rein.protocol.orders import State
from rein.protocol.signed import Signed
from tests.scenarios.stage import FEE, PRICE, Play
from tests.support import people

PRIMARY, MEDIATOR = "primary", "mediator"


def finish_by_settlement(play: Play) -> None:
    """The way that is always open to an honest creator and an honest worker."""
    play.agree(play.creator, play.settle(play.worker, 800_000))
    play.mine()
    play.books(left=sum(each.amount for each in play.outputs(MEDIATOR)), worker=800_000)


def decide(play: Play, primary: str, award: int = PRICE // 2) -> Signed[DisputeResolution]:
    order = play.seen_by(play.mediator)
    fee = play.good(MEDIATOR, by=play.mediator)
    return people.resolution(
        play.mediator.person,
        order.disputes[-1],
        PRICE,
        worker_amount=Sat(award),
        primary_psbt=primary,
        mediator_psbt=fee,
    )


def test_two_awards(play: Play) -> None:
    play.disputed()
    play.resolve(PRICE)
    other = decide(play, play.psbt(PRIMARY, (play.creator, PRICE), by=play.mediator), award=0)
    with play.nothing_moves(State.FROZEN):
        play.tell(other, play.mediator)
    finish_by_settlement(play)


def test_two_awards_take_nothing_of_what_was_accepted(play: Play) -> None:
    play.disputed()
    play.accept()
    play.resolve(PRICE)
    with play.nothing_moves():
        play.tell(decide(play, play.psbt(PRIMARY, (play.creator, PRICE), by=play.mediator), award=0), play.mediator)
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


@pytest.mark.parametrize(
    "what",
    ["all to one", "to herself", "to a stranger", "burns the reserve", "burns the rest", "no PSBT", "of another job"],
)
def test_a_resolution_whose_payment_is_not_its_award(play: Play, new_play: Callable[[], Play], what: str) -> None:
    play.disputed()
    half = PRICE // 2

    def of_another_job() -> str:
        other = new_play()
        other.funded()
        return other.psbt(PRIMARY, (play.worker, half), (play.creator, half), by=play.mediator)

    primary = {
        "all to one": lambda: play.psbt(PRIMARY, (play.worker, PRICE), by=play.mediator),
        "to herself": lambda: play.psbt(PRIMARY, (play.worker, half), (play.mediator, half), by=play.mediator),
        "to a stranger": lambda: play.psbt(PRIMARY, (play.worker, half), (play.stranger, half), by=play.mediator),
        "burns the reserve": lambda: play.psbt(
            PRIMARY, (play.worker, half), (play.creator, half - 2_000), by=play.mediator
        ),
        "burns the rest": lambda: play.psbt(PRIMARY, (play.worker, half), by=play.mediator),
        "no PSBT": lambda: people.PRIMARY_PSBT,
        "of another job": of_another_job,
    }[what]()
    with play.nothing_moves(State.RESOLVED):
        play.tell(decide(play, primary), play.mediator)
        for who in (play.worker, play.creator):
            with pytest.raises(EscrowError):
                play.take(who)
    finish_by_settlement(play)


def test_a_resolution_that_burns_what_came_too_much(play: Play) -> None:
    """The creator has paid in twice; the worker and the mediator together must not give that to the miner."""
    play.disputed()
    play.fund(mediator=0)
    coin = max(play.outputs(PRIMARY), key=lambda each: each.outpoint)
    greedy = play.psbt(
        PRIMARY, (play.worker, PRICE - 100_000), (play.creator, 100_000 - 90_000), by=play.mediator, coin=coin
    )
    with play.nothing_moves(State.RESOLVED):
        play.tell(decide(play, greedy, award=PRICE - 100_000), play.mediator)
        with pytest.raises(EscrowError):
            play.take(play.worker)
    play.agree(play.worker, play.settle(play.creator, PRICE))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


@pytest.mark.parametrize("to", ["herself", "a stranger"])
def test_a_refund_to_herself(play: Play, to: str) -> None:
    play.funded()
    payee = play.mediator if to == "herself" else play.stranger
    signed = people.refund(
        play.mediator.person,
        play.offer,
        role=Role.MEDIATOR,
        primary_psbt=play.psbt(PRIMARY, (payee, PRICE), by=play.mediator),
        mediator_psbt=play.psbt(MEDIATOR, (payee, FEE), by=play.mediator),
    )
    with play.nothing_moves():
        play.tell(signed, play.mediator)
        for who in (play.creator, play.worker):
            with pytest.raises(ReinError):
                play.agree(who, signed)
    play.agree(play.creator, play.refund(play.worker))
    play.collect(play.mediator)
    play.ends(State.REFUNDED, worker=0, mediator=FEE)


def test_a_refund_of_her_own_fee_alone(play: Play) -> None:
    """A refund that leaves the creator's money where it is, and would pay her beforehand."""
    play.funded()
    fee = play.good(MEDIATOR, by=play.mediator)
    signed = people.refund(play.mediator.person, play.offer, role=Role.MEDIATOR, primary_psbt=None, mediator_psbt=fee)
    with play.nothing_moves():
        play.tell(signed, play.mediator)
        for who in (play.creator, play.worker):
            with pytest.raises(EscrowError, match="nothing out of the primary escrow"):
                play.agree(who, signed)
    play.agree(play.creator, play.refund(play.worker))
    play.collect(play.mediator)
    play.ends(State.REFUNDED, worker=0, mediator=FEE)


def grabs_the_fee(play: Play) -> None:
    """What the complaint carries is signed by one; she adds hers at once, and decides nothing."""
    order = play.seen_by(play.mediator)
    with play.nothing_moves(), pytest.raises(OrderError, match="nothing is owed"):
        play.collect(play.mediator)
    text = order.disputes[0].document.mediator_psbt
    assert text is not None
    play.chain.broadcast(Psbt.parse(text).sign(play.key(play.mediator)).finalize())
    play.mine()
    assert play.state is State.DISPUTED
    play.books(left=play.terms.of("primary").amount, mediator=FEE)


def test_she_collects_before_deciding_and_the_two_settle(play: Play) -> None:
    play.disputed()
    grabs_the_fee(play)
    play.agree(play.worker, play.settle(play.creator, 900_000))
    play.ends(State.SETTLED, worker=900_000, mediator=FEE)


def test_she_collects_before_deciding_and_the_creator_accepts(play: Play) -> None:
    play.disputed()
    grabs_the_fee(play)
    play.accept()
    play.collect(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_she_collects_before_deciding_and_the_worker_gives_back(play: Play) -> None:
    play.disputed()
    grabs_the_fee(play)
    play.agree(play.creator, play.refund(play.worker))
    play.ends(State.REFUNDED, worker=0, mediator=FEE)


def test_she_collects_first_and_decides_then(play: Play) -> None:
    play.disputed()
    grabs_the_fee(play)
    play.resolve(PRICE // 3)
    play.take(play.worker)
    play.ends(State.SETTLED, worker=PRICE // 3, mediator=FEE)


def test_she_refuses_to_decide(play: Play) -> None:
    play.disputed()
    finish_by_settlement(play)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=800_000, mediator=FEE)


def test_she_decides_unasked(play: Play) -> None:
    play.delivered()
    with pytest.raises(OrderError, match="nobody disputes"):
        play.resolve(0)
    fields = {
        "worker_amount": Sat(0),
        "primary_psbt": play.psbt(PRIMARY, (play.creator, PRICE), by=play.mediator),
        "mediator_psbt": play.good(MEDIATOR, by=play.mediator),
    }
    alice = play.mediator.person
    with play.nothing_moves():
        for answered in (play.delivery.id, play.offer.id, "f" * 64):
            signed = people.resolution(alice, play.delivery, PRICE, previous=answered, **fields)  # type: ignore[arg-type]
            play.tell(signed, play.mediator)
        with pytest.raises(OrderError, match="has not decided"):
            play.take(play.creator)
    play.accept()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_she_decides_after_the_acceptance(play: Play) -> None:
    """The price is owed by then: a decision for the creator does not count against what the worker can collect."""
    play.disputed()
    play.accept()
    with play.nothing_moves():
        play.tell(decide(play, play.psbt(PRIMARY, (play.creator, PRICE), by=play.mediator), award=0), play.mediator)
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
