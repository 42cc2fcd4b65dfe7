"""Both escrows at the least reserve, each paid in eight pieces, with gifts of strangers between them: every ending pays
what it should, and what is left goes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.btc.amounts import Sat
from rein.devnet import faucet
from rein.escrow.payable import payable_in_every_ending
from rein.escrow.terms import MAX_COINS, MIN_RESERVE_FEERATE
from rein.protocol.orders import State
from rein.workflows.chain.view import chain_view_of
from tests.scenarios.stage import FEE, PRICE, Play

GIFTS = (700, 1_500, 700)


def in_pieces(play: Play) -> None:
    play.agree_on(MIN_RESERVE_FEERATE)
    payments = []
    for terms in play.terms.escrows:
        share = terms.amount // MAX_COINS
        amounts = [share] * (MAX_COINS - 1) + [terms.amount - share * (MAX_COINS - 1)]
        payments += [(terms.escrow.address, Sat(amount)) for amount in amounts]
    payments += [(play.terms.of("primary").escrow.address, Sat(amount)) for amount in GIFTS]
    faucet.pay(play.chain, payments)
    play.mine()
    assert play.state is State.FUNDED
    seen = chain_view_of(play.creator.session, play.seen_by(play.creator))
    for terms in seen.terms.escrows:
        assert payable_in_every_ending(terms, seen.coins(terms.id))


def accepted(play: Play) -> int:
    play.deliver()
    play.accept()
    play.collect(play.worker)
    return PRICE


def halved(play: Play) -> int:
    play.dispute(play.worker)
    play.resolve(PRICE // 2)
    play.take(play.creator)
    return PRICE // 2


def settled(play: Play) -> int:
    play.agree(play.creator, play.settle(play.worker, 900_000))
    return 900_000


def refunded(play: Play) -> int:
    play.agree(play.worker, play.refund(play.creator))
    return 0


@pytest.mark.parametrize("ending", [accepted, halved, settled, refunded])
def test_every_ending_of_an_escrow_in_pieces(play: Play, ending: Callable[[Play], int]) -> None:
    in_pieces(play)
    worker = ending(play)
    if "mediator" not in play.payments():
        play.collect(play.mediator)
    play.ends(State.REFUNDED if ending is refunded else State.SETTLED, left=sum(GIFTS), worker=worker, mediator=FEE)
    play.agree(play.worker, play.refund(play.creator, 1))
    play.mine()
    play.books(worker=worker, mediator=FEE)


def test_a_mediator_may_take_less_where_miners_ask_for_more_than_is_kept(play: Play) -> None:
    """Eight pieces at the least reserve give 5 sat/vB. The mediator signs at 9, and gives the difference up."""
    in_pieces(play)
    accepted(play)
    play.mine()
    proposal = play.refund(play.mediator, 9)
    (made,) = play.agree(play.worker, proposal)
    kept = play.terms.of("mediator").miner_fee
    assert made.fee > kept
    assert made.amount == FEE - (made.fee - kept)
    play.mine()
    assert play.state is State.SETTLED
    play.books(left=sum(GIFTS), worker=PRICE, mediator=made.amount)
