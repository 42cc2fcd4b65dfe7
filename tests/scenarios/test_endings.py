"""Every ending of a job: who holds what, to the satoshi, followed through the blocks."""

from __future__ import annotations

import pytest

from rein.btc.amounts import Sat, format_btc
from rein.btc.transaction import OutPoint
from rein.errors import OrderError, RejectedError
from rein.protocol.orders import State
from rein.workflows.accounting.invoice import as_text, invoice_of
from rein.workflows.money.bump import prepare_replacement
from tests.scenarios.stage import FEE, PRICE, Actor, Play
from tests.support.money_steps import build_settlement, plan_bump, send_bump


def test_accepted(play: Play) -> None:
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_nobody_collects_twice(play: Play) -> None:
    play.accepted()
    for who in (play.worker, play.mediator):
        play.collect(who)
        with pytest.raises(OrderError, match="already"):
            play.collect(who)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    with pytest.raises(OrderError):
        play.collect(play.worker)


def test_no_delivery_and_the_worker_gives_the_money_back(play: Play) -> None:
    play.funded()
    play.agree(play.creator, play.refund(play.worker))
    play.mine()
    assert play.state is State.OFFERED, "the mediator's fee is still there, and nobody works for that"
    play.collect(play.mediator)
    play.ends(State.REFUNDED, worker=0, mediator=FEE)
    receipt = receipt_of(play, play.creator)
    assert "  back    0.01500000 BTC to Bob" in receipt
    assert "  paid    0.00022500 BTC" in receipt
    assert "Total paid    0.00022500 BTC" in receipt


def receipt_of(play: Play, who: Actor) -> list[str]:
    """The lines of somebody's receipt, none of them wider than a page."""
    found = invoice_of(who.session, play.seen_by(who))
    assert found.is_receipt
    lines = list(as_text(found))
    assert max(map(len, lines)) <= 80
    return lines


def test_a_silent_worker_and_the_mediator_agrees_to_the_refund(play: Play) -> None:
    play.funded()
    play.agree(play.mediator, play.refund(play.creator))
    play.ends(State.REFUNDED, worker=0, mediator=FEE)


def test_a_silent_worker_and_the_mediator_proposes_the_refund(play: Play) -> None:
    play.funded()
    play.agree(play.creator, play.refund(play.mediator))
    play.ends(State.REFUNDED, worker=0, mediator=FEE)


@pytest.mark.parametrize("award", [PRICE, 0, PRICE // 3], ids=["to the worker", "to the creator", "split"])
@pytest.mark.parametrize("taker", ["worker", "creator"])
def test_a_refused_delivery_is_decided(play: Play, award: int, taker: str) -> None:
    play.disputed()
    play.resolve(award)
    assert play.state is State.RESOLVED
    play.take(getattr(play, taker))
    play.ends(State.SETTLED, worker=award, mediator=FEE)


def test_a_silent_creator_and_the_mediator_awards_the_work(play: Play) -> None:
    play.delivered()
    play.dispute(play.worker, "Delivered a week ago, and no answer.")
    play.resolve(PRICE)
    play.take(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_both_dispute(play: Play) -> None:
    play.disputed()
    play.dispute(play.worker, "It is not silent.")
    play.resolve(PRICE // 2)
    play.take(play.creator)
    play.ends(State.SETTLED, worker=PRICE // 2, mediator=FEE)


def test_a_dispute_before_any_delivery(play: Play) -> None:
    play.funded()
    play.dispute(play.creator, "Nothing came.")
    assert play.state is State.DISPUTED
    play.resolve(0)
    play.take(play.creator)
    play.ends(State.SETTLED, worker=0, mediator=FEE)


def test_a_dispute_and_an_acceptance_after_all(play: Play) -> None:
    play.disputed()
    play.accept()
    assert play.state is State.ACCEPTED
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


@pytest.mark.parametrize("proposer", ["worker", "creator"])
def test_mutual_settlement(play: Play, proposer: str) -> None:
    play.delivered()
    one, other = (play.worker, play.creator) if proposer == "worker" else (play.creator, play.worker)
    play.agree(other, play.settle(one, 1_200_000))
    play.mine()
    assert play.state is State.DELIVERED, "the mediator's fee is still there"
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=1_200_000, mediator=FEE)


def test_a_settlement_that_leaves_something_to_the_creator_beyond_the_price(play: Play) -> None:
    play.delivered()
    play.agree(play.creator, play.settle(play.worker, 400_000, 600_000))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=400_000, mediator=FEE)


def test_a_silent_mediator_hinders_nobody_and_finds_the_fee_later(play: Play) -> None:
    play.disputed()
    play.agree(play.worker, play.settle(play.creator, 700_000))
    play.mine(20)
    (fee,) = play.outputs("mediator")
    play.books(left=fee.amount, worker=700_000, mediator=0)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=700_000, mediator=FEE)


def test_the_last_of_several_proposals_is_taken(play: Play) -> None:
    play.delivered()
    first = play.settle(play.worker, 1_400_000)
    second = play.settle(play.worker, 1_100_000)
    assert play.state is State.DELIVERED, "a proposal is no state"
    play.agree(play.creator, second)
    with pytest.raises(OrderError):
        play.agree(play.creator, first)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=1_100_000, mediator=FEE)


def test_a_fee_bumped_by_who_receives_it(play: Play) -> None:
    play.accepted()
    (payment,) = play.collect(play.worker)
    hurry = plan_bump(play.worker.session, play.seen_by(play.worker), 40)
    child = send_bump(play.worker.session, hurry)
    lower = plan_bump(play.worker.session, play.seen_by(play.worker), 20)
    with pytest.raises(RejectedError):
        send_bump(play.worker.session, lower)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    found = play.chain.unspent_output(OutPoint(child, 0))
    assert found is not None
    assert found.amount == PRICE - hurry.child.fee
    assert found.script == play.script(play.worker), "a bump moves money to nobody else"
    assert payment.txid == play.payments()["primary"].txid


def test_a_fee_bumped_by_those_who_signed(play: Play) -> None:
    play.accepted()
    (first,) = play.collect(play.worker)
    session = play.worker.session
    order = play.seen_by(play.worker)
    planned = prepare_replacement(session, order, 40)
    proposal = play.tell(build_settlement(session, planned, "The same, at a higher fee."), play.worker)
    (second,) = play.agree(play.creator, proposal)
    assert second.fee > first.fee
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE - (second.fee - first.fee), mediator=FEE)
    receipt = receipt_of(play, play.worker)
    assert f"  paid    {format_btc(Sat(PRICE - (second.fee - first.fee)))} BTC" in receipt
    assert second.back == first.back, "the fee alone is another"


def test_an_escrow_of_a_job_that_nobody_began_is_given_back(play: Play) -> None:
    play.agree_on()
    play.fund(primary=400_000, mediator=0)
    assert play.state is State.OFFERED
    proposal = play.refund(play.creator)
    (back,) = play.agree(play.worker, proposal)
    assert back.back == Sat(400_000 - back.fee)
    play.ends(State.REFUNDED, worker=0, mediator=0, creator=back.back)
