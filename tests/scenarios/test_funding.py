"""Money that comes in another way than agreed: what counts, and that all of it comes out again to whom it belongs."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from rein.btc.address import p2wsh_address, script_of_address
from rein.btc.amounts import DUST_LIMIT, Sat, parse_btc
from rein.btc.networks import MAINNET, REGTEST, TESTNET4
from rein.devnet import faucet
from rein.errors import EscrowError, InputError, OrderError, RejectedError
from rein.escrow.contract import Purse
from rein.escrow.funding import Filling
from rein.escrow.payout import MAX_COINS
from rein.protocol.orders import State
from rein.workflows.fund import invoices, look_for_funding
from tests.scenarios.blocks import Wallet
from tests.scenarios.stage import FEE, PRICE, Play


def address(play: Play, purse: Purse = Purse.PRIMARY) -> str:
    return play.terms.of(purse).escrow.address


def fillings(play: Play) -> list[Filling]:
    found = [look_for_funding(who.desk, play.seen_by(who)).purses for who in play.everybody]
    assert found[0] == found[1] == found[2]
    return [purse.filling for purse in found[0]]


def finish(play: Play, *, left: int = 0) -> None:
    """Delivered, accepted, collected; both get exactly what was agreed, and all else goes back."""
    play.deliver()
    play.accept()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, left=left, worker=PRICE, mediator=FEE)


def test_too_little_counts_only_when_the_rest_is_there(play: Play) -> None:
    play.agree_on()
    play.fund(primary=PRICE)
    assert fillings(play) == [Filling.UNDER, Filling.EXACT]
    assert play.state is State.OFFERED, "the price without the miner's part is too little"
    with pytest.raises(OrderError, match="deliver when both escrows are funded"):
        play.deliver()
    missing = look_for_funding(play.creator.desk, play.seen_by(play.creator)).primary.missing
    faucet.pay(play.chain, [(address(play), missing)])
    assert play.state is State.OFFERED, "the rest is not in a block"
    play.mine()
    assert fillings(play) == [Filling.EXACT, Filling.EXACT]
    finish(play)


def test_an_escrow_that_stays_half_full_pays_nobody_but_goes_back(play: Play) -> None:
    play.agree_on()
    play.fund(primary=PRICE // 2)
    for spend in (lambda: play.settle(play.worker, PRICE), lambda: play.accept()):
        with pytest.raises((EscrowError, OrderError)):
            spend()
    play.agree(play.worker, play.refund(play.creator))
    play.collect(play.mediator)
    play.ends(State.REFUNDED, worker=0, mediator=FEE)


def test_too_much_goes_back_with_the_payment(play: Play) -> None:
    play.agree_on()
    play.fund(primary=3 * PRICE, mediator=PRICE)
    assert fillings(play) == [Filling.OVER, Filling.OVER]
    finish(play)


def test_in_several_transactions(play: Play) -> None:
    play.agree_on()
    whole = play.terms.primary.amount
    for part in (whole // 3, whole // 3, whole - 2 * (whole // 3)):
        assert play.state is State.OFFERED
        play.fund(primary=part, mediator=play.terms.mediator.amount if part == whole // 3 else 0)
    assert play.state is State.FUNDED
    finish(play)


def test_paid_twice_by_mistake(play: Play) -> None:
    play.funded()
    play.fund()
    assert fillings(play) == [Filling.OVER, Filling.OVER]
    finish(play)


def test_what_comes_after_the_acceptance_goes_back_by_a_refund(play: Play) -> None:
    play.accepted()
    play.fund(primary=70_000, mediator=60_000)
    assert play.state is State.ACCEPTED
    play.collect(play.worker)
    play.collect(play.mediator)
    play.mine()
    assert play.state is State.SETTLED
    play.books(left=130_000, worker=PRICE, mediator=FEE)
    play.agree(play.mediator, play.refund(play.creator))
    play.mine()
    assert play.state is State.SETTLED, "what is left over ends nothing anew"
    play.books(worker=PRICE, mediator=FEE)


def test_what_comes_after_the_end_goes_back_by_a_refund(play: Play) -> None:
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    play.fund(mediator=0)
    assert play.state is State.SETTLED
    play.agree(play.worker, play.refund(play.creator))
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    assert not any(who.told("no document") for who in play.everybody), "a refund of the rest is explained"


def test_a_trifle_counts_and_is_left_where_spending_it_costs_more_than_it_brings(play: Play) -> None:
    play.agree_on()
    play.fund(primary=play.terms.primary.amount - DUST_LIMIT)
    faucet.pay(play.chain, [(address(play), DUST_LIMIT)])
    play.mine()
    assert fillings(play) == [Filling.EXACT, Filling.EXACT]
    finish(play, left=DUST_LIMIT)


def test_more_outputs_than_a_payment_spends(play: Play) -> None:
    play.agree_on()
    part = Sat(play.terms.primary.amount // MAX_COINS)
    faucet.pay(play.chain, [(address(play), part)] * (MAX_COINS + 2))
    play.fund(primary=0)
    assert fillings(play) == [Filling.UNDER, Filling.EXACT], "what no payment can spend at once does not count"
    faucet.pay(play.chain, [(address(play), Sat(2 * part))])
    play.mine()
    finish(play, left=3 * part)


def test_a_stranger_may_fill_it_too(play: Play) -> None:
    """Anybody may: the money follows the documents all the same."""
    play.agree_on()
    stranger = Wallet(play.chain, Sat(4_000_000))
    play.chain.broadcast(stranger.sign((address(play), play.terms.primary.amount)))
    play.fund(primary=0)
    assert play.state is State.FUNDED
    finish(play)


def test_nothing_counts_before_a_block(play: Play) -> None:
    play.agree_on()
    faucet.pay(play.chain, [(purse.escrow.address, purse.amount) for purse in play.terms.purses])
    assert fillings(play) == [Filling.EMPTY, Filling.EMPTY]
    assert play.state is State.OFFERED
    play.mine()
    finish(play)


def test_a_payment_replaced_before_a_block_never_counted(play: Play) -> None:
    """Double spend of an unconfirmed funding (threat S13)."""
    play.agree_on()
    wallet = Wallet(play.chain, Sat(4_000_000))
    both = [(purse.escrow.address, purse.amount) for purse in play.terms.purses]
    play.chain.broadcast(wallet.sign(*both))
    assert play.state is State.OFFERED
    with pytest.raises(OrderError):
        play.deliver()
    play.chain.broadcast(wallet.sign(fee=9_000))
    play.mine(3)
    assert (play.state, fillings(play)) == (State.OFFERED, [Filling.EMPTY, Filling.EMPTY])
    with pytest.raises(RejectedError):
        play.chain.broadcast(wallet.sign(*both, fee=50_000))
    play.fund()
    finish(play)


def test_the_invoice_is_for_this_network_alone(play: Play) -> None:
    play.agree_on()
    for bill in invoices(play.seen_by(play.creator)):
        uri = urlsplit(bill.uri)
        assert (uri.scheme, uri.path) == ("bitcoin", bill.address)
        assert parse_btc(parse_qs(uri.query)["amount"][0]) == bill.amount
        assert script_of_address(bill.address, REGTEST)
        for other in (MAINNET, TESTNET4):
            with pytest.raises(InputError):
                script_of_address(bill.address, other)
    with pytest.raises(InputError):
        faucet.pay(play.chain, [(p2wsh_address(play.terms.primary.escrow.witness_script, MAINNET), PRICE)])
