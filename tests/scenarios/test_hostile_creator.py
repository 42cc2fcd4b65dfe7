"""A creator who signs whatever he likes: nobody loses a satoshi, and the honest two finish."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.btc.amounts import Sat
from rein.chain.source import MAX_OUTPUTS
from rein.cli.money.collect import collect
from rein.devnet import faucet
from rein.errors import EscrowError, InputError, OrderError
from rein.protocol.orders import State
from rein.workflows.orders.load import find_order
from tests.scenarios.stage import FEE, PRICE, Actor, Play, amounts_at, signed_delivery
from tests.scenarios.test_money_commands import run
from tests.support import people
from tests.support.money_steps import build_acceptance, plan_acceptance

PRIMARY, MEDIATOR = "primary", "mediator"


def finish_by_award(play: Play) -> None:
    """The way that is always open to an honest worker: the mediator's word."""
    play.dispute(play.worker, "He does not pay.")
    play.resolve(PRICE)
    play.take(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def two_offers(play: Play) -> None:
    """Which of two offers is meant has to be said, and then everything goes on as before."""
    with pytest.raises(InputError, match="several offers"):
        find_order(play.mediator.session, play.job.id)
    play.name = play.offer.id


def test_a_second_offer_to_the_same_bid_after_funding(play: Play) -> None:
    play.delivered()
    money = play.money()
    second = people.offer(play.creator.person, play.bid, play.job, **amounts_at(play, 300))
    play.tell(second, play.creator)
    two_offers(play)
    assert play.state is State.FROZEN
    assert play.money() == money
    finish_by_award(play)


def test_a_second_offer_to_a_bid_of_his_own_making(play: Play) -> None:
    """A sybil bids, gets a second offer, and gets nothing out of the first one's escrows."""
    play.funded()
    money = play.money()
    fake = play.tell(people.bid(play.stranger.person, play.job, amount=PRICE), play.stranger)
    second = people.offer(play.creator.person, fake, play.job, primary_amount=Sat(PRICE + 2_000))
    play.tell(second, play.creator)
    assert find_order(play.worker.session, play.job.id).offer == play.offer, "the worker sees his own offer alone"
    two_offers(play)
    assert play.state is State.FROZEN
    assert play.money() == money
    theirs = find_order(play.stranger.session, second.id)
    assert theirs.offer == second
    with pytest.raises(OrderError, match="deliver when both escrows are funded"):
        signed_delivery(play.stranger.session, theirs, "Nothing.")
    finish_by_award(play)


def test_a_second_offer_can_still_be_ended_by_agreement(play: Play) -> None:
    play.funded()
    play.tell(people.offer(play.creator.person, play.bid, play.job, **amounts_at(play, 20)), play.creator)
    two_offers(play)
    play.agree(play.creator, play.settle(play.worker, 1_000_000))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=1_000_000, mediator=FEE)


def test_a_second_acceptance_takes_nothing_back(play: Play) -> None:
    play.accepted()
    junk = people.accept(
        play.creator.person,
        play.delivery,
        primary_psbt=play.psbt(PRIMARY, (play.creator, PRICE), by=play.creator),
        mediator_psbt=play.psbt(MEDIATOR, (play.creator, FEE), by=play.creator),
    )
    with play.nothing_moves(State.FROZEN):
        play.tell(junk, play.creator)
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def elsewhere(play: Play, new_play: Callable[[], Play]) -> Play:
    """Another job of the same three, funded too."""
    other = new_play()
    other.funded()
    return other


def worthless(play: Play, new_play: Callable[[], Play]) -> dict[str, Callable[[], str]]:
    """Primary payments that are not what an acceptance has to carry."""

    def of_another_job() -> str:
        other = elsewhere(play, new_play)
        return other.good(PRIMARY, by=play.creator)

    return {
        "no PSBT": lambda: people.PRIMARY_PSBT,
        "less": lambda: play.psbt(PRIMARY, (play.worker, PRICE - 1), by=play.creator),
        "less, the rest to himself": lambda: play.psbt(
            PRIMARY, (play.worker, PRICE - 10_000), (play.creator, 10_000), by=play.creator
        ),
        "to himself": lambda: play.psbt(PRIMARY, (play.creator, PRICE), by=play.creator),
        "to somebody else": lambda: play.psbt(PRIMARY, (play.stranger, PRICE), by=play.creator),
        "signed by nobody who may": lambda: play.good(PRIMARY, by=play.worker),
        "of another job": of_another_job,
        "out of the other escrow": lambda: play.good(MEDIATOR, by=play.creator),
    }


@pytest.mark.parametrize(
    "what",
    [
        "no PSBT",
        "less",
        "less, the rest to himself",
        "to himself",
        "to somebody else",
        "signed by nobody who may",
        "of another job",
        "out of the other escrow",
    ],
)
def test_a_worthless_acceptance(play: Play, new_play: Callable[[], Play], what: str) -> None:
    play.delivered()
    primary = worthless(play, new_play)[what]()
    fee = play.good(MEDIATOR, by=play.creator)
    acceptance = people.accept(play.creator.person, play.delivery, primary_psbt=primary, mediator_psbt=fee)
    with play.nothing_moves(State.ACCEPTED):
        play.tell(acceptance, play.creator)
        with pytest.raises(EscrowError):
            play.collect(play.worker)
    finish_by_award(play)


def test_a_worthless_acceptance_that_pays_the_mediator(play: Play) -> None:
    """She collects what she is owed by it, and can decide all the same."""
    play.delivered()
    acceptance = people.accept(
        play.creator.person,
        play.delivery,
        primary_psbt=play.psbt(PRIMARY, (play.creator, PRICE), by=play.creator),
        mediator_psbt=play.good(MEDIATOR, by=play.creator),
    )
    play.tell(acceptance, play.creator)
    play.collect(play.mediator)
    play.mine()
    assert play.state is State.ACCEPTED
    finish_by_award(play)


def test_an_acceptance_that_does_not_pay_the_mediator(play: Play) -> None:
    """The worker takes what is his, is told, and signs the fee himself."""
    play.delivered()
    acceptance = people.accept(
        play.creator.person,
        play.delivery,
        primary_psbt=play.good(PRIMARY, by=play.creator),
        mediator_psbt=play.psbt(MEDIATOR, (play.creator, FEE), by=play.creator),
    )
    play.tell(acceptance, play.creator)
    with play.nothing_moves(), pytest.raises(EscrowError):
        play.collect(play.mediator)
    terminal = run(play, play.worker, collect)
    assert any("mediator's fee is not signed" in line for line in terminal.lines)
    with pytest.raises(EscrowError, match="waits for a block"):
        play.refund(play.worker)
    play.mine()
    play.agree(play.mediator, play.refund(play.worker))
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


@pytest.mark.parametrize("fee", ["none", "to himself", "of another job"])
def test_a_dispute_that_does_not_pay_the_mediator(play: Play, new_play: Callable[[], Play], fee: str) -> None:
    play.delivered()
    psbt = {
        "none": lambda: None,
        "to himself": lambda: play.psbt(MEDIATOR, (play.creator, FEE), by=play.creator),
        "of another job": lambda: elsewhere(play, new_play).good(MEDIATOR, by=play.creator),
    }[fee]()
    with play.nothing_moves(State.DISPUTED):
        play.tell(people.creator_dispute(play.creator.person, play.delivery, mediator_psbt=psbt), play.creator)
        with pytest.raises((EscrowError, OrderError)):
            play.collect(play.mediator)
    play.resolve(0)
    play.take(play.creator)
    play.ends(State.SETTLED, worker=0, mediator=FEE)


def test_he_takes_nothing_back_that_he_accepted(play: Play) -> None:
    play.accepted()
    acceptance = play.seen_by(play.worker).acceptance
    assert acceptance is not None
    attempts = [
        people.creator_dispute(play.creator.person, acceptance),
        people.refund(
            play.creator.person, play.offer, primary_psbt=None, mediator_psbt=play.good(MEDIATOR, by=play.creator)
        ),
        people.delivery(play.creator.person, play.offer),
        people.accept(play.creator.person, play.delivery, previous=play.offer.id),
    ]
    with play.nothing_moves():
        for attempt in attempts:
            play.tell(attempt, play.creator)
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_a_dispute_after_his_acceptance_lowers_nothing(play: Play) -> None:
    """He accepts, and then disputes the delivery: nothing else is decided, and the acceptance is collected."""
    play.accepted()
    with play.nothing_moves():
        play.tell(people.creator_dispute(play.creator.person, play.delivery), play.creator)
    with pytest.raises(EscrowError, match="has accepted the delivery"):
        play.resolve(0)
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def bad_proposals(play: Play) -> dict[str, Callable[[], tuple[Actor, object]]]:
    bob = play.creator.person

    def settlement() -> tuple[Actor, object]:
        primary = play.psbt(PRIMARY, (play.worker, 500_000), (play.creator, 990_000), by=play.creator)
        fee = play.good(MEDIATOR, by=play.creator)
        terms = {"worker_amount": Sat(1_000_000), "primary_psbt": primary, "mediator_psbt": fee}
        return play.worker, people.settlement(bob, play.offer, **terms)

    def refund() -> tuple[Actor, object]:
        primary = play.psbt(PRIMARY, (play.creator, PRICE), by=play.creator)
        fee = play.psbt(MEDIATOR, (play.creator, FEE), by=play.creator)
        return play.mediator, people.refund(bob, play.offer, primary_psbt=primary, mediator_psbt=fee)

    return {"settlement": settlement, "refund": refund}


@pytest.mark.parametrize("what", ["settlement", "refund"])
def test_a_proposal_that_pays_other_than_it_says(play: Play, what: str) -> None:
    play.delivered()
    other, signed = bad_proposals(play)[what]()
    with play.nothing_moves():
        play.tell(signed, play.creator)  # type: ignore[arg-type]
        with pytest.raises(EscrowError):
            play.agree(other, signed)  # type: ignore[arg-type]
    finish_by_award(play)


@pytest.mark.parametrize("ending", ["collected", "accepted", "settled"])
def test_an_old_refund_does_not_take_the_place_of_what_is_owed(play: Play, ending: str) -> None:
    """He asks for a refund that pays the miner well, ends the job at a low rate, and has the mediator agree late."""
    play.delivered()
    old = play.refund(play.creator, 100)
    if ending == "settled":
        play.agree(play.creator, play.settle(play.worker, PRICE))
    else:
        play.accept()
    if ending == "accepted":
        with pytest.raises(EscrowError, match="has accepted the delivery, and 1,500,000 sat are the worker's"):
            play.agree(play.mediator, old)
    if ending != "settled":
        play.collect(play.worker)
    sent = play.agree(play.mediator, old)
    assert [each.escrow_id for each in sent] == [MEDIATOR], "what gives the mediator the fee hurts nobody"
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_a_mediator_who_is_not_told_of_the_acceptance_refunds_nothing_that_is_on_its_way(play: Play) -> None:
    play.delivered()
    old = play.refund(play.creator, 100)
    planned = plan_acceptance(play.creator.session, play.seen_by(play.creator))
    play.tell(build_acceptance(play.creator.session, planned), play.creator, play.worker)
    play.collect(play.worker)
    with pytest.raises(EscrowError, match="is being spent by something no document here carries"):
        play.agree(play.mediator, old)
    assert play.refund(play.mediator).document.primary_psbt is None
    play.mine()
    assert play.seen_by(play.worker).evidence.primary_paid


def test_no_decision_lowers_what_he_has_accepted(play: Play) -> None:
    play.disputed()
    play.accept()
    with pytest.raises(EscrowError, match="has accepted the delivery"):
        play.resolve(PRICE - 1_000)
    assert play.refund(play.mediator).document.primary_psbt is None
    finish_by_award(play)


def test_no_refund_follows_an_award_to_the_worker(play: Play) -> None:
    play.disputed()
    old = play.refund(play.creator, 100)
    play.resolve(PRICE)
    with pytest.raises(EscrowError, match="you have decided the job, and 1,500,000 sat are the worker's"):
        play.agree(play.mediator, old)
    play.take(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


@pytest.mark.parametrize("ending", ["accepted", "decided"])
def test_no_flood_hides_what_is_signed_for(play: Play, ending: str) -> None:
    """So many larger outputs come to both escrows that a source does not show any more what was signed for."""
    play.delivered()
    if ending == "accepted":
        play.accept()
    else:
        play.dispute(play.worker)
        play.resolve(PRICE)
    flood = [(terms.escrow.address, Sat(terms.amount + 10)) for terms in play.terms.escrows] * MAX_OUTPUTS
    faucet.pay(play.chain, flood)
    play.mine()
    if ending == "accepted":
        play.collect(play.worker)
        play.collect(play.mediator)
    else:
        play.take(play.worker)
    play.mine()
    assert play.state is State.SETTLED
    assert {each.amount for each in play.payments().values()} == {PRICE, FEE}


def test_an_acceptance_binds_a_mediator_who_does_not_have_the_delivery(play: Play) -> None:
    play.funded()
    old = play.refund(play.creator, 100)
    order = play.seen_by(play.worker)
    delivery = signed_delivery(play.worker.session, order, "https://example.com/song", anyway=True)
    play.delivery = play.tell(delivery, play.worker, play.creator)
    play.accept()
    assert play.seen_by(play.mediator).acceptance is None
    with pytest.raises(EscrowError, match="has accepted the delivery"):
        play.agree(play.mediator, old)
    play.collect(play.worker)
