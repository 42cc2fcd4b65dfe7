"""Money that comes in another way than agreed: what counts, and that all of it comes out again to whom it belongs."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from rein.btc.address import p2wsh_address, script_of_address
from rein.btc.amounts import DUST_LIMIT, Sat, format_btc, parse_btc
from rein.btc.networks import MAINNET, REGTEST, TESTNET4
from rein.devnet import faucet
from rein.errors import EscrowError, InputError, OrderError, RejectedError
from rein.escrow.funding import Filling
from rein.escrow.payout import MAX_COINS
from rein.protocol.orders import State
from rein.store.tables.servers import Placement
from rein.workflows.money.fund import Invoice, invoices, observe_funding
from rein.workflows.orders.next_step import next_step_of, orders_with_money
from rein.workflows.status.agenda import agenda
from tests.scenarios.blocks import Wallet
from tests.scenarios.stage import FEE, PRICE, Actor, Play


def address(play: Play, terms: str = "primary") -> str:
    return play.terms.of(terms).escrow.address


def fillings(play: Play) -> list[Filling]:
    found = [observe_funding(who.session, play.seen_by(who)).escrows for who in play.everybody]
    assert found[0] == found[1] == found[2]
    return [terms.filling for terms in found[0]]


def bills(play: Play, who: Actor | None = None) -> tuple[Invoice, ...]:
    """What somebody is asked to pay, the offer being out."""
    asked = who or play.worker
    order = play.seen_by(asked)
    return invoices(asked.session, order, observe_funding(asked.session, order))


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
    missing = observe_funding(play.creator.session, play.seen_by(play.creator)).of("primary").missing
    faucet.pay(play.chain, [(address(play), missing)])
    assert play.state is State.OFFERED, "the rest is not in a block"
    play.mine()
    assert fillings(play) == [Filling.EXACT, Filling.EXACT]
    finish(play)


@pytest.mark.parametrize("short", [1, DUST_LIMIT - 1, DUST_LIMIT, 5_000])
def test_no_less_is_asked_for_than_counts(play: Play, short: int) -> None:
    """A satoshi too little asks for what the network carries and a payment spends, and after that for nothing."""
    play.agree_on()
    play.fund(primary=play.terms.of("primary").amount - short)
    (bill,) = bills(play)
    assert (bill.escrow_id, bill.amount) == ("primary", max(short, DUST_LIMIT))
    assert f"amount={format_btc(bill.amount)}" in bill.uri
    faucet.pay(play.chain, [(bill.address, bill.amount)])
    play.mine()
    assert (play.state, bills(play)) == (State.FUNDED, ())
    play.deliver()
    play.accept()
    play.collect(play.worker)


def test_the_last_of_too_many_pieces_asks_for_all_it_has_to_replace(play: Play) -> None:
    """A payment spends eight outputs: a ninth counts only in place of another."""
    play.agree_on()
    part = Sat(play.terms.of("primary").amount // (MAX_COINS + 1))
    faucet.pay(play.chain, [(address(play), part)] * MAX_COINS)
    play.fund(primary=0)
    (bill,) = bills(play)
    assert bill.amount > play.terms.of("primary").amount - MAX_COINS * part
    faucet.pay(play.chain, [(bill.address, bill.amount)])
    play.mine()
    assert (play.state, bills(play)) == (State.FUNDED, ())


@pytest.mark.parametrize(("more", "words"), [(DUST_LIMIT, "0.00000546 BTC too much, which come back"), (0, "")])
def test_every_satoshi_too_much_is_said(play: Play, more: int, words: str) -> None:
    play.agree_on()
    play.fund(primary=play.terms.of("primary").amount + more)
    for who in play.everybody:
        assert words in str(observe_funding(who.session, play.seen_by(who)).of("primary"))
    assert bills(play) == ()


def test_nothing_is_asked_for_what_needs_nothing(play: Play) -> None:
    """From the first satoshi to the end, and in a home that remembers nothing of it."""

    def forgotten() -> tuple[Invoice, ...]:
        for who in play.everybody:
            who.session.store.escrows.observe(play.offer.id, [], [])
        return bills(play)

    play.agree_on()
    assert [bill.amount for bill in bills(play)] == [terms.amount for terms in play.terms.escrows]
    play.fund(mediator=0)
    assert [bill.escrow_id for bill in bills(play)] == ["mediator"]
    play.fund(primary=0)
    steps = (play.deliver, play.accept, lambda: play.collect(play.worker), lambda: play.collect(play.mediator))
    for step in steps:
        step()
        assert bills(play) == forgotten() == ()
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    assert bills(play) == forgotten() == ()


def test_nothing_is_asked_for_after_a_refund(play: Play) -> None:
    play.agree_on()
    play.fund(primary=400_000, mediator=0)
    play.agree(play.worker, play.refund(play.creator))
    assert bills(play) == ()
    play.ends(State.REFUNDED, worker=0, mediator=0)
    assert bills(play) == ()


def test_an_offer_that_nobody_has_seen_is_not_paid(play: Play) -> None:
    play.agree_on()
    order = play.seen_by(play.creator)
    with pytest.raises(OrderError, match="on no server yet"):
        bills(play, play.creator)
    (before,) = agenda(play.creator.session, play.creator.session.identity, None).jobs
    assert before.step.text.startswith("publish the offer: rein sync")
    everything = play.creator.session.store.documents.own_ids("regtest", play.creator.session.address)
    assert agenda(play.creator.session, play.creator.session.identity, None).unpublished == len(everything)
    play.creator.session.store.servers.set_placements(
        [Placement(order.contract_id, "http://causeway.example/", "key", True)]
    )
    assert len(bills(play, play.creator)) == 2
    (after,) = agenda(play.creator.session, play.creator.session.identity, None).jobs
    assert after.step.text == "pay into escrow: rein fund"
    assert agenda(play.creator.session, play.creator.session.identity, None).unpublished == len(everything) - 1


def test_what_came_late_is_everybodys_matter(play: Play) -> None:
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    assert next_text(play, play.creator) == "nothing; everybody is paid"
    assert orders_with_money(play.creator.session) == []
    play.fund(primary=2_000, mediator=0)
    assert next_text(play, play.creator) == "2,000 sat lie in escrow after the end: rein refund"
    assert next_text(play, play.worker).startswith("2,000 sat lie in escrow after the end and are the job creator's")
    for each in play.everybody:  # `rein refund` and `rein agree`, which the hint names, find it by themselves
        order = play.seen_by(each)
        assert [found.contract_id for found in orders_with_money(each.session)] == [order.contract_id]
    proposal = play.refund(play.creator)
    assert next_text(play, play.creator).endswith("wait until another agrees to your refund")
    assert next_text(play, play.worker).endswith("a refund waits for you: rein agree")
    play.agree(play.worker, proposal)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    assert {next_text(play, who) for who in play.everybody} == {"nothing; everybody is paid"}


def test_what_is_too_little_to_go_back_needs_nobody(play: Play) -> None:
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    play.fund(primary=600, mediator=0)
    assert next_text(play, play.creator) == "nothing; everybody is paid"


def next_text(play: Play, who: Actor) -> str:
    return next_step_of(who.session, play.seen_by(who)).text


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
    whole = play.terms.of("primary").amount
    for part in (whole // 3, whole // 3, whole - 2 * (whole // 3)):
        assert play.state is State.OFFERED
        play.fund(primary=part, mediator=play.terms.of("mediator").amount if part == whole // 3 else 0)
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
    play.fund(primary=play.terms.of("primary").amount - DUST_LIMIT)
    faucet.pay(play.chain, [(address(play), DUST_LIMIT)])
    play.mine()
    assert fillings(play) == [Filling.EXACT, Filling.EXACT]
    finish(play, left=DUST_LIMIT)


def test_more_outputs_than_a_payment_spends(play: Play) -> None:
    play.agree_on()
    part = Sat(play.terms.of("primary").amount // MAX_COINS)
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
    play.chain.broadcast(stranger.sign((address(play), play.terms.of("primary").amount)))
    play.fund(primary=0)
    assert play.state is State.FUNDED
    finish(play)


def test_nothing_counts_before_a_block(play: Play) -> None:
    play.agree_on()
    faucet.pay(play.chain, [(terms.escrow.address, terms.amount) for terms in play.terms.escrows])
    assert fillings(play) == [Filling.EMPTY, Filling.EMPTY]
    assert play.state is State.OFFERED
    play.mine()
    finish(play)


def test_a_payment_replaced_before_a_block_never_counted(play: Play) -> None:
    """Double spend of an unconfirmed funding (threat S13)."""
    play.agree_on()
    wallet = Wallet(play.chain, Sat(4_000_000))
    both = [(terms.escrow.address, terms.amount) for terms in play.terms.escrows]
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
    for bill in bills(play):
        uri = urlsplit(bill.uri)
        assert (uri.scheme, uri.path) == ("bitcoin", bill.address)
        assert parse_btc(parse_qs(uri.query)["amount"][0]) == bill.amount
        assert script_of_address(bill.address, REGTEST)
        for other in (MAINNET, TESTNET4):
            with pytest.raises(InputError):
                script_of_address(bill.address, other)
    with pytest.raises(InputError):
        faucet.pay(play.chain, [(p2wsh_address(play.terms.of("primary").escrow.witness_script, MAINNET), PRICE)])
