"""What is signed cannot be taken back: money that an old signature can take funds nothing, and nobody works for it."""

from __future__ import annotations

import pytest

from rein.btc.amounts import Sat
from rein.btc.psbt import Psbt
from rein.chain.source import MAX_OUTPUTS
from rein.devnet import faucet
from rein.errors import EscrowError, OrderError
from rein.escrow.funding import Verdict
from rein.escrow.payout import complete_payout
from rein.protocol.orders import State
from rein.workflows.jobs.deliver import require_deliverable
from rein.workflows.money.fund import invoices, observe_funding
from rein.workflows.orders.load import find_order
from rein.workflows.orders.next_step import next_step_of
from rein.workflows.orders.step import Turn
from rein.workflows.wallet.payout import pay_at
from tests.scenarios.blocks import Wallet, branch
from tests.scenarios.stage import FEE, PRICE, Actor, Play, amounts_at, signed_bid, signed_delivery, signed_offer
from tests.support import people
from tests.support.money import Spend


def verdicts(play: Play, who: Actor) -> list[Verdict]:
    return [terms.verdict for terms in observe_funding(who.session, play.seen_by(who)).escrows]


def next_text(play: Play, who: Actor) -> str:
    return next_step_of(who.session, play.seen_by(who)).text


def refused(play: Play, words: str) -> None:
    """Nobody sees a funded job, and the worker delivers nothing into it."""
    assert play.state is State.OFFERED
    with pytest.raises(OrderError, match=words):
        play.deliver()
    assert "rein deliver" not in next_text(play, play.worker)


def test_a_refund_on_its_way_leaves_nothing_to_work_for(play: Play) -> None:
    """20,000 of 1,500,000 sat paid in, a refund signed and waiting."""
    play.agree_on()
    play.fund(primary=20_000)
    play.agree(play.worker, play.refund(play.creator))
    refused(play, "deliver when both escrows are funded")
    play.mine(10)
    refused(play, "deliver when both escrows are funded")
    assert verdicts(play, play.worker)[0] is Verdict.PAID


def test_a_refund_of_everything_on_its_way_leaves_nothing_to_work_for(play: Play) -> None:
    play.funded()
    play.agree(play.worker, play.refund(play.creator))
    refused(play, "deliver when both escrows are funded")
    play.mine(10)
    refused(play, "deliver when both escrows are funded")


def test_what_was_delivered_stays_delivered_while_a_refund_waits(play: Play) -> None:
    play.delivered()
    play.agree(play.worker, play.refund(play.creator))
    assert play.state is State.DELIVERED
    play.mine()
    play.collect(play.mediator)
    play.ends(State.REFUNDED, worker=0, mediator=FEE)


def test_an_old_refund_takes_what_it_covers_and_no_work(play: Play) -> None:
    """The creator pays in too little, the mediator signs it back, the creator fills up. What is missing beside the
    part that can go back has to come, and then the old refund takes nothing that the job needs."""
    play.agree_on()
    whole = play.terms.of("primary").amount
    play.fund(primary=20_000)
    old = play.refund(play.mediator)
    play.fund(primary=whole - 20_000, mediator=0)
    refused(play, "do not count: the creator can take them by the refund")
    assert "the creator can take what is there by the refund" in next_text(play, play.worker)
    order = play.seen_by(play.worker)
    (bill,) = invoices(play.worker.session, order, observe_funding(play.worker.session, order))
    assert bill.amount == 20_000
    faucet.pay(play.chain, [(bill.address, bill.amount)])
    play.mine()
    assert play.state is State.FUNDED
    play.deliver()
    with pytest.raises(EscrowError, match="all back, or nothing"):
        play.agree(play.creator, old)
    play.accept()
    hostile = complete_payout(Psbt.parse(old.document.primary_psbt), play.key(play.creator))
    play.chain.broadcast(hostile)
    play.mine()
    assert play.state is State.ACCEPTED, "giving a trifle back ends nothing"
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_two_offers_do_not_make_status_say_deliver_where_deliver_is_refused(play: Play) -> None:
    """The worker may deliver into a frozen job whose escrows are funded, but not what the creator alone can take."""
    play.funded()
    play.name = play.offer.id
    play.tell(people.offer(play.creator.person, play.bid, play.job, **amounts_at(play, 300)), play.creator)
    assert play.seen_by(play.worker).state is State.FROZEN
    assert "deliver (rein deliver)" in next_text(play, play.worker)
    play.refund(play.mediator)
    with pytest.raises(OrderError, match="the creator can take the money"):
        play.deliver()
    assert "do not deliver: the refund" in next_text(play, play.worker)


def test_a_dispute_about_no_money_is_no_task_of_the_mediator(play: Play) -> None:
    """Two people alone could fill the mediator's list with such."""
    play.agree_on()
    play.dispute(play.creator)
    assert next_step_of(play.mediator.session, play.seen_by(play.mediator)).due is Turn.NOTHING
    play.fund()
    assert next_step_of(play.mediator.session, play.seen_by(play.mediator)).due is Turn.ACT


def test_a_refund_that_the_mediator_signed_of_everything_keeps_the_worker_from_delivering(play: Play) -> None:
    play.funded()
    signed = play.refund(play.mediator)
    assert play.state is State.FUNDED, "no document takes an order back"
    assert verdicts(play, play.creator)[0] is Verdict.CLAIMED
    order = play.seen_by(play.worker)
    assert invoices(play.worker.session, order, observe_funding(play.worker.session, order)) == (), "nobody pays twice"
    for anyway in (False, True):
        with pytest.raises(OrderError, match="the creator can take the money") as caught:
            signed_delivery(play.worker.session, order, "https://example.com/song", anyway=anyway)
        assert signed.id[:12] in caught.value.message
    assert next_text(play, play.worker).startswith("do not deliver: the refund")


@pytest.mark.parametrize("by", ["creator refunds", "worker refunds", "worker settles"])
def test_what_others_can_complete_is_delivered_into_knowingly_only(play: Play, by: str) -> None:
    play.funded()
    signed = {
        "creator refunds": lambda: play.refund(play.creator),
        "worker refunds": lambda: play.refund(play.worker),
        "worker settles": lambda: play.settle(play.worker, PRICE // 2),
    }[by]()
    with pytest.raises(OrderError, match="can go another way without you") as caught:
        play.deliver()
    assert signed.id[:12] in caught.value.message
    assert "do not deliver" in next_text(play, play.worker)
    order = play.seen_by(play.worker)
    play.tell(signed_delivery(play.worker.session, order, "https://example.com/song", anyway=True), play.worker)
    assert play.state is State.DELIVERED


def test_a_settlement_that_only_the_worker_can_complete_hinders_nobody(play: Play) -> None:
    play.funded()
    play.settle(play.creator, PRICE // 2)
    play.deliver()
    assert play.state is State.DELIVERED


def test_money_that_leaves_by_no_document_is_not_there(play: Play) -> None:
    """Creator and mediator together can take it, and no program keeps them from it: but it is said before a block."""
    play.funded()
    coin = play.outputs("primary")[0]
    terms = play.terms.of("primary")
    paid = type(terms.payout)(Sat(PRICE), play.script(play.stranger))
    away = Spend(coin.outpoint, coin.amount, terms.escrow.witness_script, (paid,))
    psbt = Psbt.parse(str(away.psbt(play.key(play.creator), play.key(play.mediator))))
    play.chain.broadcast(psbt.finalize())
    refused(play, "being spent by something no document here carries")
    assert play.worker.told("no document here carries")
    play.seen_by(play.worker)
    assert play.worker.notes == [], "it is said once"
    assert verdicts(play, play.worker)[0] is Verdict.LEAVING
    assert "being spent" in next_text(play, play.creator)
    play.mine()
    refused(play, "deliver when both escrows are funded")


def test_the_worker_is_told_what_is_waited_for(play: Play) -> None:
    play.agree_on()
    faucet.pay(play.chain, [(terms.escrow.address, terms.amount) for terms in play.terms.escrows])
    with pytest.raises(OrderError, match="primary escrow: nothing has come in a block yet") as caught:
        play.deliver()
    assert "can still be replaced" in str(caught.value.hint)
    assert next_text(play, play.worker).startswith("wait until both escrows are funded")
    play.mine()
    play.deliver()


def test_after_a_reorganisation_nobody_pays_twice_unawares(play: Play) -> None:
    """The funding leaves the chain after the acceptance. Where it comes back, the acceptance can be completed."""
    play.agree_on()
    wallet = Wallet(play.chain, Sat(4_000_000))
    play.chain.broadcast(wallet.sign(*((terms.escrow.address, terms.amount) for terms in play.terms.escrows)))
    play.mine()
    play.deliver()
    accepted = play.accept()
    assert play.state is State.ACCEPTED
    branch(play.chain, wallet.sign())
    for who in play.everybody:
        order = play.seen_by(who)
        assert who.told("can still be completed"), who.name
        funding = observe_funding(who.session, order)
        assert [terms.verdict for terms in funding.escrows] == [Verdict.AGAIN, Verdict.AGAIN]
    order = play.seen_by(play.worker)
    with pytest.raises(OrderError, match="you would have paid the primary escrow twice") as caught:
        invoices(play.worker.session, order, observe_funding(play.worker.session, order))
    assert accepted.id[:12] in caught.value.message
    assert next_text(play, play.creator).startswith("before you pay again, see what may come back, the acceptance")
    assert len(invoices(play.worker.session, order, observe_funding(play.worker.session, order), again=True)) == 2


def test_two_offers_on_one_bid_are_not_paid_and_the_funded_one_is_delivered(play: Play) -> None:
    play.funded()
    second = people.offer(play.creator.person, play.bid, play.job, **amounts_at(play, 300))
    play.tell(second, play.creator)
    play.name = play.offer.id
    for offer_id in (play.offer.id, second.id):
        for who in play.everybody:
            with pytest.raises(OrderError, match="frozen") as caught:
                observe_funding(who.session, find_order(who.session, offer_id))
            assert "Pay nothing" in str(caught.value.hint)
    assert play.state is State.FROZEN
    assert all("contradict each other" in next_text(play, who) for who in play.everybody)
    assert "deliver (rein deliver)" in next_text(play, play.worker)
    assert require_deliverable(play.worker.session, play.seen_by(play.worker)).offer == play.offer
    play.deliver()
    assert play.seen_by(play.worker).deliveries
    play.agree(play.creator, play.settle(play.worker, PRICE))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_a_frozen_offer_without_money_is_not_worked_for(play: Play) -> None:
    play.agree_on()
    second = people.offer(play.creator.person, play.bid, play.job, **amounts_at(play, 300))
    play.tell(second, play.creator)
    play.name = play.offer.id
    assert "do not work for it" in next_text(play, play.worker)
    with pytest.raises(OrderError, match="is frozen"):
        play.deliver()


def test_a_refund_that_lost_to_a_payment_claims_nothing(play: Play) -> None:
    """Once its outputs are spent, an old signature is worth nothing, and asks for no care."""
    play.funded()
    old = play.refund(play.mediator)
    play.agree(play.worker, play.settle(play.creator, PRICE))
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    assert verdicts(play, play.worker) == [Verdict.PAID, Verdict.PAID]
    with pytest.raises((EscrowError, OrderError)):
        play.agree(play.creator, old)


def test_no_flood_hides_what_an_old_refund_can_take(play: Play) -> None:
    """The mediator gives back two outputs. Then so many larger ones come that the smaller is not shown any more."""
    play.agree_on()
    primary = play.terms.of("primary")
    play.fund(primary=primary.amount - 5_000)
    faucet.pay(play.chain, [(primary.escrow.address, Sat(4_000))])
    play.mine()
    old = Psbt.parse(play.refund(play.mediator).document.primary_psbt)
    assert len(old.inputs) == 2
    faucet.pay(play.chain, [(primary.escrow.address, Sat(4_100))] * MAX_OUTPUTS)
    refused(play, "do not count: the creator can take them by the refund")
    play.chain.broadcast(complete_payout(old, play.key(play.creator)))


def test_a_refund_under_another_offer_of_the_same_escrow_takes_it_too(play: Play) -> None:
    """The creator signs two offers on one bid and pays in too little; the mediator gives it back under the second, and
    the creator fills up. It is the same money in the first, which the worker looks at."""
    play.agree_on()
    primary = play.terms.of("primary")
    play.fund(primary=primary.amount - 1_000)
    second = people.offer(play.creator.person, play.bid, play.job, **amounts_at(play, 11))
    play.tell(second, play.creator)
    play.name = second.id
    old = Psbt.parse(play.refund(play.mediator).document.primary_psbt)
    faucet.pay(play.chain, [(primary.escrow.address, Sat(1_000))])
    play.mine()
    play.name = play.offer.id
    assert play.state is State.FROZEN
    with pytest.raises(OrderError, match="deliver when both escrows are funded"):
        play.deliver()
    assert "rein deliver" not in next_text(play, play.worker)
    play.chain.broadcast(complete_payout(old, play.key(play.creator)))


def test_a_refund_under_the_offer_of_another_bid_of_the_same_contract_takes_it_too(play: Play) -> None:
    """The worker bids twice, at one price and one address: one escrow, and the creator offers both."""
    play.post()
    order = find_order(play.worker.session, play.name)
    paid_at = pay_at(play.worker.session, None)
    bids = [
        play.tell(signed_bid(play.worker.session, order, words, PRICE, paid_at), play.worker)
        for words in ("Within three days.", "Within a week.")
    ]
    play.bid = bids[0]
    play.offer = play.tell(
        signed_offer(play.creator.session, find_order(play.creator.session, play.name), bids[0], 10), play.creator
    )
    primary = play.terms.of("primary")
    play.fund(primary=primary.amount - 1_000)
    second = play.tell(people.offer(play.creator.person, bids[1], play.job, **amounts_at(play, 10)), play.creator)
    play.name = second.id
    assert play.terms.of("primary").escrow == primary.escrow
    old = Psbt.parse(play.refund(play.mediator).document.primary_psbt)
    faucet.pay(play.chain, [(primary.escrow.address, Sat(1_000))])
    play.mine()
    for offer_id in (play.offer.id, second.id):
        play.name = offer_id
        with pytest.raises(OrderError, match="deliver when both escrows are funded"):
            play.deliver()
    play.chain.broadcast(complete_payout(old, play.key(play.creator)))


def test_a_decision_under_another_offer_of_the_same_escrow_can_take_it(play: Play) -> None:
    play.funded()
    second = people.offer(play.creator.person, play.bid, play.job, **amounts_at(play, 9))
    play.tell(second, play.creator)
    play.name = second.id
    play.dispute(play.creator, "He does nothing.")
    play.resolve(0)
    play.name = play.offer.id
    order = play.seen_by(play.worker)
    for anyway in (False, True):
        with pytest.raises(OrderError, match=r"the creator can take the money of the job .* by the resolution"):
            signed_delivery(play.worker.session, order, "https://example.com/song", anyway=anyway)


def test_what_waits_for_a_block_frees_nothing_of_an_older_signature(play: Play) -> None:
    """The mediator gives back a little, and then that and more. While the first waits in the mempool the second is not
    dead: it takes the place of the first as soon as it pays the miner more."""
    play.agree_on()
    primary = play.terms.of("primary")
    play.fund(primary=3_000)
    little = Psbt.parse(play.refund(play.mediator, 1).document.primary_psbt)
    play.fund(primary=primary.amount - 10_000, mediator=0)
    more = Psbt.parse(play.refund(play.mediator, 10).document.primary_psbt)
    assert len(more.inputs) == 2
    faucet.pay(play.chain, [(primary.escrow.address, Sat(10_000))])
    play.mine()
    play.chain.broadcast(complete_payout(little, play.key(play.creator)))
    refused(play, "do not count: the creator can take them by the refund")
    play.chain.broadcast(complete_payout(more, play.key(play.creator)))


def test_what_is_in_a_block_frees_what_an_older_signature_covered(play: Play) -> None:
    play.agree_on()
    primary = play.terms.of("primary")
    play.fund(primary=3_000)
    little = Psbt.parse(play.refund(play.mediator, 1).document.primary_psbt)
    play.fund(primary=primary.amount - 10_000, mediator=0)
    play.refund(play.mediator, 1)
    faucet.pay(play.chain, [(primary.escrow.address, Sat(10_000))])
    play.mine()
    play.chain.broadcast(complete_payout(little, play.key(play.creator)))
    play.mine()
    play.deliver()
    assert play.state is State.DELIVERED
