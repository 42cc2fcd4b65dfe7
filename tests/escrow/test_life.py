"""The whole life of the money on a private chain whose judge is Bitcoin Core's consensus engine."""

from __future__ import annotations

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.errors import EscrowError, RejectedError
from rein.escrow.explain import check_payout
from rein.escrow.funding import Funding, match_funding
from rein.escrow.payout import complete_payout, plan_payout, sign_payout, the_price
from rein.protocol.values import BasisPoints
from tests.support.money import Deal, agreed, check, deal


def look(chain: CoreRpc, told: Deal) -> Funding:
    scripts = [terms.escrow.script for terms in told.terms.escrows]
    return match_funding(told.terms, chain.unspent_outputs(scripts), REGTEST)


def fund(chain: CoreRpc, told: Deal) -> dict[str, OutPoint]:
    """Pay both escrows in one transaction, mine it, and say where the money lies."""
    faucet.pay(chain, told.payments)
    faucet.mine(chain, 1)
    funding = look(chain, told)
    assert funding.complete
    return {terms.terms.id: terms.outputs[0].outpoint for terms in funding.escrows}


def received(chain: CoreRpc, script: bytes) -> list[Sat]:
    return [output.amount for output in chain.unspent_outputs([script])]


def received_last(chain: CoreRpc, script: bytes) -> list[Sat]:
    """In the last block: a mediator is paid to one address for all jobs."""
    return [output.amount for output in chain.unspent_outputs([script]) if output.confirmations == 1]


def test_from_funding_to_payment_every_satoshi_is_accounted_for(chain: CoreRpc) -> None:
    told = deal(100)
    assert not look(chain, told).complete
    outpoints = fund(chain, told)

    payments: list[Transaction] = []
    for terms in told.terms.escrows:
        which = terms.id
        sent = sign_payout(agreed(terms, outpoints[which]), told.creator).to_base64()  # in the acceptance document
        checked = check(sent, terms, outpoints[which], told.creator)
        payment = complete_payout(checked.psbt, told.receiver_key(which))
        assert payment.txid == checked.payout.txid
        assert chain.broadcast(payment) == payment.txid
        payments.append(payment)
    faucet.mine(chain, 1)

    for terms, payment in zip(told.terms.escrows, payments, strict=True):
        assert received_last(chain, terms.payout.script) == [terms.price]
        assert received(chain, terms.escrow.script) == []
        found = chain.unspent_output(OutPoint(payment.txid, 0))
        assert found is not None
        assert (found.amount, found.script, found.confirmations) == (terms.price, terms.payout.script, 1)
    put_in = sum(terms.amount for terms in told.terms.escrows)
    paid_out = sum(output.amount for payment in payments for output in payment.outputs)
    assert paid_out == told.bid.document.amount + 75_000
    assert put_in == paid_out + sum(terms.miner_fee for terms in told.terms.escrows)


def test_mediator_and_worker_together_are_enough_where_the_creator_is_silent(chain: CoreRpc) -> None:
    """2 of 3: the same payouts, with the mediator's signature in place of the creator's."""
    told = deal(101)
    outpoints = fund(chain, told)
    for which, first, second in (
        ("primary", told.mediator, told.worker),
        ("mediator", told.worker, told.mediator),
    ):
        sent = sign_payout(agreed(told.terms.of(which), outpoints[which]), first).to_base64()
        checked = check(sent, told.terms.of(which), outpoints[which], first)
        chain.broadcast(complete_payout(checked.psbt, second))
    faucet.mine(chain, 1)
    assert [received_last(chain, terms.payout.script) for terms in told.terms.escrows] == [[5_000_000], [75_000]]


@pytest.mark.parametrize(
    ("number", "price", "points", "feerate"),
    [(102, 100_000, 55, 5), (103, 546, 10_000, 80), (104, 2_000_000_000, 1, 6)],
    ids=["lowest-reserve", "dust-limit-high-reserve", "twenty-bitcoin"],
)
def test_the_edges_of_what_can_be_agreed_can_also_be_paid(
    chain: CoreRpc, number: int, price: int, points: int, feerate: int
) -> None:
    told = deal(number, price=Sat(price), fee=BasisPoints(points), feerate=feerate)
    outpoints = fund(chain, told)
    for terms in told.terms.escrows:
        which = terms.id
        sent = sign_payout(agreed(terms, outpoints[which]), told.creator).to_base64()
        checked = check(sent, terms, outpoints[which], told.creator)
        chain.broadcast(complete_payout(checked.psbt, told.receiver_key(which)))
    faucet.mine(chain, 1)
    assert received(chain, told.terms.of("primary").payout.script) == [price]
    assert received_last(chain, told.terms.of("mediator").payout.script) == [told.terms.of("mediator").price]


def test_what_strangers_add_goes_back_to_the_creator(chain: CoreRpc) -> None:
    """S13: dust and a second exact payment lie at the escrow; the payment still pays one price, and trifles stay."""
    told = deal(105)
    fund(chain, told)
    primary = told.terms.of("primary")
    strewn = (546, 700, primary.amount + 1, primary.amount)
    faucet.pay(chain, [(primary.escrow.address, Sat(amount)) for amount in strewn])
    faucet.mine(chain, 1)
    funding = look(chain, told).of("primary")
    payout = plan_payout(primary, funding.coins, the_price(primary), 7)
    chain.broadcast(sign_payout(payout, told.creator).sign(told.worker).finalize())
    faucet.mine(chain, 1)
    assert received(chain, primary.payout.script) == [primary.price]
    assert received(chain, primary.payer.script) == [3 * primary.amount + 1 - primary.price - payout.fee]
    assert sorted(received(chain, primary.escrow.script)) == [546, 700], "they cost more than they bring"


def test_a_payment_is_made_once(chain: CoreRpc) -> None:
    """S3, S18: the signatures of one deposit move no other one, however often they are sent."""
    told = deal(106)
    primary = told.terms.of("primary")
    first = fund(chain, told)["primary"]
    faucet.pay(chain, [(primary.escrow.address, primary.amount)])
    faucet.mine(chain, 1)
    payment = sign_payout(agreed(primary, first), told.creator).sign(told.worker).finalize()
    assert chain.broadcast(payment) == chain.broadcast(payment) == payment.txid
    faucet.mine(chain, 1)
    assert chain.broadcast(payment) == payment.txid
    assert received(chain, primary.payout.script) == [primary.price]

    funding = look(chain, told)
    (second,) = (output.outpoint for output in funding.of("primary").outputs)
    assert second != first
    stale = sign_payout(agreed(primary, first), told.creator).to_base64()
    with pytest.raises(EscrowError, match="does not show as an output of this escrow now"):
        check_payout(stale, primary, the_price(primary), funding.of("primary").coins, {told.creator.public_key})
    with pytest.raises(RejectedError):  # and it is worth nothing any more
        chain.broadcast(_moved(payment, first, second))
    assert received(chain, primary.escrow.script) == [primary.amount]


def _moved(payment: Transaction, first: OutPoint, second: OutPoint) -> Transaction:
    """The payment with its signatures, made to spend another output."""
    return Transaction(payment.raw.replace(first.to_bytes(), second.to_bytes()))


def test_money_of_one_job_is_not_moved_by_signatures_of_another(chain: CoreRpc) -> None:
    """S14: the same three people, the same price, two jobs."""
    one, other = deal(107), deal(108)
    at_one, at_other = fund(chain, one)["primary"], fund(chain, other)["primary"]
    payment = sign_payout(agreed(one.terms.of("primary"), at_one), one.creator).sign(one.worker).finalize()
    with pytest.raises(RejectedError):
        chain.broadcast(_moved(payment, at_one, at_other))
    assert received(chain, other.terms.of("primary").escrow.script) == [other.terms.of("primary").amount]
