"""A longer branch takes blocks back, at every step: the order goes back with them, says so, and comes forward again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.btc.amounts import Sat
from rein.btc.transaction import Transaction
from rein.errors import EscrowError, OrderError, ReinError
from rein.escrow.payout import complete_payout
from rein.protocol.orders import State
from rein.workflows.orders.job_keys import escrow_key
from tests.scenarios.blocks import Wallet, branch
from tests.scenarios.stage import FEE, PRICE, Actor, Play
from tests.support.money_steps import prepare_agreement

WAITS, GONE = "waits for a block again", "is not on the chain any more"


def fund_from(play: Play, wallet: Wallet) -> Transaction:
    """Both escrows filled by a wallet that may change its mind."""
    paid = wallet.sign(*((terms.escrow.address, terms.amount) for terms in play.terms.escrows))
    play.chain.broadcast(paid)
    play.mine()
    return paid


def told(play: Play, words: str) -> None:
    """Everybody has been told, and nobody that money was stolen."""
    for who in play.everybody:
        notes = " ".join(who.notes)
        assert words in notes, (who.name, notes)
        assert "no document here carries" not in notes
        who.notes.clear()


def finish(play: Play) -> None:
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def cannot_be_paid(play: Play) -> None:
    """Nothing that needs the money of the escrows can be signed."""
    attempts: list[Callable[[], object]] = [
        play.accept,
        play.deliver,
        lambda: play.collect(play.worker),
        lambda: play.collect(play.mediator),
        lambda: play.settle(play.creator, PRICE),
        lambda: play.refund(play.creator),
    ]
    for attempt in attempts:
        with pytest.raises(ReinError):
            attempt()


def test_funding_goes_back_and_comes_again(play: Play) -> None:
    play.agree_on()
    fund_from(play, Wallet(play.chain, Sat(4_000_000)))
    assert play.state is State.FUNDED
    branch(play.chain)
    assert play.state is State.OFFERED
    told(play, WAITS)
    cannot_be_paid(play)
    play.mine()
    assert play.state is State.FUNDED
    play.deliver()
    play.accept()
    finish(play)


def test_funding_is_spent_elsewhere_and_paid_anew(play: Play) -> None:
    play.agree_on()
    wallet = Wallet(play.chain, Sat(4_000_000))
    fund_from(play, wallet)
    play.deliver()
    assert play.state is State.DELIVERED
    branch(play.chain, wallet.sign())
    assert play.state is State.OFFERED
    told(play, GONE)
    cannot_be_paid(play)
    play.fund()
    assert play.state is State.DELIVERED, "what was delivered counts again"
    play.accept()
    finish(play)


def accepted_from(play: Play) -> Wallet:
    play.agree_on()
    wallet = Wallet(play.chain, Sat(4_000_000))
    fund_from(play, wallet)
    play.deliver()
    play.accept()
    assert play.state is State.ACCEPTED
    return wallet


def test_the_same_funding_comes_again_after_the_acceptance(play: Play) -> None:
    accepted_from(play)
    branch(play.chain)
    assert play.state is State.OFFERED
    told(play, WAITS)
    play.mine()
    assert play.state is State.ACCEPTED
    finish(play)


def both(play: Play) -> list[tuple[str, Sat]]:
    return [(terms.escrow.address, terms.amount) for terms in play.terms.escrows]


def other_funding_after_acceptance(play: Play, *, same_money: bool) -> None:
    """The acceptance pays out of an output that is no more; the money came again in another one.

    :param same_money: out of what had paid it before, so that the first can never return.
    """
    wallet = accepted_from(play)
    branch(play.chain, wallet.sign(*(both(play) if same_money else ()), fee=2_000))
    assert play.state is (State.ACCEPTED if same_money else State.OFFERED)
    told(play, GONE)
    if not same_money:
        play.fund()
    assert play.state is State.ACCEPTED
    with play.nothing_moves():
        for who in (play.worker, play.mediator):
            with pytest.raises(EscrowError, match="which the chain does not show"):
                play.collect(who)
        with pytest.raises(OrderError):
            play.accept()


def test_other_funding_after_the_acceptance_is_settled_at_the_full_price(play: Play) -> None:
    other_funding_after_acceptance(play, same_money=True)
    play.agree(play.worker, play.settle(play.creator, PRICE))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_nobody_pays_twice_when_the_first_funding_returns(play: Play) -> None:
    """A leaves its block and waits, B is paid from elsewhere. What is signed for B could be paid beside the acceptance,
    which spends A: the creator signs nothing, takes B back, and A is collected once it returns."""
    other = Wallet(play.chain, Sat(4_000_000))
    accepted_from(play)
    branch(play.chain)
    branch(play.chain, other.sign(*both(play)))
    assert play.state is State.ACCEPTED
    had = sum(play.chain_holds(play.worker))
    with (
        play.nothing_moves(),
        pytest.raises(EscrowError, match=r"already, in the document .* both could be paid") as no,
    ):
        play.settle(play.creator, PRICE)
    assert no.value.hint is not None
    assert "rein refund" in no.value.hint
    proposal = play.settle(play.worker, PRICE)
    with play.nothing_moves(), pytest.raises(EscrowError, match="both could be paid"):
        play.agree(play.creator, proposal)
    play.dispute(play.worker, "I am not paid.")
    play.agree(play.worker, play.refund(play.creator))
    play.mine()
    play.collect(play.worker)
    play.mine()
    assert sum(play.chain_holds(play.worker)) == had + PRICE, "once, and not twice"


def test_a_mediator_does_not_award_twice_when_the_first_funding_returns(play: Play) -> None:
    other = Wallet(play.chain, Sat(4_000_000))
    play.agree_on()
    fund_from(play, Wallet(play.chain, Sat(4_000_000)))
    play.deliver()
    play.dispute(play.worker, "No answer.")
    play.resolve(PRICE)
    branch(play.chain)
    branch(play.chain, other.sign(*both(play)))
    with pytest.raises(EscrowError, match="both could be paid"):
        play.resolve(PRICE)


def test_what_was_completed_counts_as_signed(play: Play) -> None:
    """No document of the creator's carries the payment that the creator completed; it is remembered all the same."""
    other = Wallet(play.chain, Sat(4_000_000))
    play.agree_on()
    fund_from(play, Wallet(play.chain, Sat(4_000_000)))
    play.deliver()
    play.agree(play.creator, play.settle(play.worker, 900_000))
    branch(play.chain)
    branch(play.chain, other.sign(*both(play)))
    assert play.payments().get("primary") is None or play.payments()["primary"].confirmations == 0
    proposal = play.settle(play.worker, 1_000_000)
    with pytest.raises((EscrowError, OrderError), match=r"both could be paid|waits for your signature"):
        play.agree(play.creator, proposal)


def test_other_funding_after_the_acceptance_of_a_hostile_creator_is_awarded(play: Play) -> None:
    other_funding_after_acceptance(play, same_money=False)
    play.dispute(play.worker, "You accepted, and your payment is worth nothing now.")
    play.resolve(PRICE)
    play.take(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_the_mediators_funding_is_spent_elsewhere_and_anybody_pays_it_anew(play: Play) -> None:
    """A creator takes back the mediator's escrow by a branch: the worker fills it, and the mediator can decide."""
    play.agree_on()
    play.fund(mediator=0)
    wallet = Wallet(play.chain, Sat(4_000_000))
    play.chain.broadcast(wallet.sign((play.terms.of("mediator").escrow.address, play.terms.of("mediator").amount)))
    play.mine()
    play.deliver()
    assert play.state is State.DELIVERED
    branch(play.chain, wallet.sign())
    assert play.state is State.OFFERED
    play.dispute(play.worker, "You took the mediator's fee back.")
    with pytest.raises(EscrowError, match="do not hold what was agreed"):
        play.resolve(PRICE)
    play.fund(primary=0)
    play.resolve(PRICE)
    play.take(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def by_acceptance(play: Play) -> State:
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    return State.ACCEPTED


def by_resolution(play: Play) -> State:
    play.disputed()
    play.resolve(PRICE // 3)
    play.take(play.worker)
    return State.RESOLVED


def by_settlement(play: Play) -> State:
    play.delivered()
    play.agree(play.creator, play.settle(play.worker, PRICE // 3))
    play.collect(play.mediator)
    return State.DELIVERED


def by_refund(play: Play) -> State:
    play.funded()
    play.agree(play.mediator, play.refund(play.creator))
    return State.OFFERED


ENDINGS = {
    "acceptance": (by_acceptance, State.SETTLED, PRICE),
    "resolution": (by_resolution, State.SETTLED, PRICE // 3),
    "settlement": (by_settlement, State.SETTLED, PRICE // 3),
    "refund": (by_refund, State.REFUNDED, 0),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_ending_goes_back_and_comes_again(play: Play, ending: str) -> None:
    begin, end, worker = ENDINGS[ending]
    before = begin(play)
    play.ends(end, worker=worker, mediator=FEE)
    paid = {terms: payment.txid for terms, payment in play.payments().items()}
    branch(play.chain)
    assert play.state is before
    told(play, WAITS)
    signs_nothing_twice(play)
    play.ends(end, worker=worker, mediator=FEE)
    assert {terms: payment.txid for terms, payment in play.payments().items()} == paid


def signs_nothing_twice(play: Play) -> None:
    """While the payments wait for a block again, nobody completes them or others a second time."""
    tries: list[Callable[[], object]] = [lambda: play.collect(play.worker), lambda: play.collect(play.mediator)]
    order = play.seen_by(play.creator)
    everybody: tuple[Actor, ...] = play.everybody
    for proposal in (*order.settlements, *order.refunds):
        tries += [lambda who=who, to=proposal: play.agree(who, to) for who in everybody]
    if order.resolutions:
        tries += [lambda who=who: play.take(who) for who in (play.creator, play.worker)]
    for attempt in tries:
        with pytest.raises(ReinError):
            attempt()


def test_one_payment_goes_back_and_the_other_stays(play: Play) -> None:
    play.accepted()
    play.collect(play.mediator)
    play.mine()
    play.collect(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    branch(play.chain)
    assert play.state is State.ACCEPTED
    payments = play.payments()
    assert (payments["primary"].confirmations, payments["mediator"].confirmations) == (0, 3)
    told(play, WAITS)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_another_payment_takes_the_place_of_one(play: Play) -> None:
    """The branch holds a settlement that both have signed, instead of what the creator owed by his acceptance."""
    play.accepted()
    proposal = play.settle(play.creator, 900_000)
    order = play.seen_by(play.worker)
    (ready,) = prepare_agreement(play.worker.session, order, proposal.id)
    other = complete_payout(ready.checked.psbt, escrow_key(play.worker.session, order, ready.role))
    play.collect(play.worker)
    play.collect(play.mediator)
    play.mine()
    assert play.state is State.SETTLED
    branch(play.chain, other)
    assert play.state is State.ACCEPTED, "the mediator's fee waits for a block again"
    told(play, GONE)
    play.ends(State.SETTLED, worker=900_000, mediator=FEE)
    assert play.payments()["primary"].ending == "settlement"


def test_payment_and_funding_go_back_together(play: Play) -> None:
    wallet = accepted_from(play)
    play.collect(play.worker)
    play.collect(play.mediator)
    play.mine()
    assert play.state is State.SETTLED
    branch(play.chain, wallet.sign(*both(play), fee=2_000), depth=2)
    assert play.payments() == {}
    told(play, GONE)
    assert play.state is State.ACCEPTED
    play.agree(play.worker, play.settle(play.creator, PRICE))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_a_block_declared_invalid(play: Play) -> None:
    """As Bitcoin Core's operators do it, and take it back."""
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    block = play.mine()
    assert play.state is State.SETTLED
    play.chain.call("invalidateblock", block)
    assert play.state is State.ACCEPTED
    told(play, WAITS)
    play.chain.call("reconsiderblock", block)
    assert play.state is State.SETTLED
    play.books(worker=PRICE, mediator=FEE)


def test_a_purse_says_where_its_money_is(play: Play) -> None:
    """Funding that waits again is neither lost nor stolen."""
    play.agree_on()
    fund_from(play, Wallet(play.chain, Sat(4_000_000)))
    assert play.state is State.FUNDED
    branch(play.chain)
    for who in play.everybody:
        play.seen_by(who)
        assert sum(WAITS in note for note in who.notes) == 2
        who.notes.clear()
        play.seen_by(who)
        assert who.notes == [], "it is said once"
    play.mine()
