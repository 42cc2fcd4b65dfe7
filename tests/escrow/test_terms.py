"""What was agreed about money: to the satoshi, from verified documents alone, and refused where anything differs."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import script_of_address
from rein.btc.amounts import DUST_LIMIT, MAX_MONEY, Sat
from rein.btc.networks import MAINNET, REGTEST
from rein.btc.transaction import OutPoint
from rein.errors import AuthorityError, EscrowError, FieldError, InputError, ReinError
from rein.escrow.payout import sign_payout
from rein.escrow.terms import (
    MAX_COINS,
    MAX_FEERATE,
    MIN_FEERATE,
    MIN_RESERVE_FEERATE,
    Terms,
    check_bid,
    check_price,
    contract_of,
    offer_amounts,
    terms_of,
)
from rein.protocol.documents import Role
from rein.protocol.orders import Order, fold
from rein.protocol.values import BasisPoints, mediator_fee
from tests.support.money import FEERATE, SOME_TXID, Deal, agreed, deal
from tests.support.people import PRICE, bid, job, offer, person, story

OUTPOINT = OutPoint(SOME_TXID, 0)
BOB, CHARLIE, MALLORY = (person(name) for name in ("Bob", "Charlie", "Mallory"))


def test_the_terms_of_a_story() -> None:
    terms = terms_of(fold(story().job, [story().bid, story().offer], story().enrollments))
    assert (terms.of("primary").amount, terms.of("primary").price, terms.of("primary").miner_fee) == (
        5_010_000,
        5_000_000,
        10_000,
    )
    assert (terms.of("mediator").amount, terms.of("mediator").price, terms.of("mediator").miner_fee) == (
        85_000,
        75_000,
        10_000,
    )
    assert [(escrow.payer.name, escrow.payer.role) for escrow in terms.escrows] == [("Bob", Role.CREATOR)] * 2
    assert [escrow.payee.role for escrow in terms.escrows] == [Role.WORKER, Role.MEDIATOR]
    assert (terms.of("primary").payee.name, terms.of("mediator").payee.name) == ("Charlie", "Alice")
    assert terms.of("primary").payee.address == story().bid.document.worker_payment_address
    assert terms.of("mediator").payee.address == story().job.document.mediator_payment_address
    for escrow in terms.escrows:
        assert escrow.payer.address == story().job.document.creator_payment_address
        assert escrow.payer.script == script_of_address(escrow.payer.address, REGTEST)
        assert escrow.payout.script == script_of_address(escrow.payee.address, REGTEST)
    assert [escrow.id for escrow in terms.escrows] == ["primary", "mediator"]
    assert terms.of("primary").escrow.address == story().bid.document.primary_address


def test_there_are_no_terms_without_an_offer_that_counts() -> None:
    told = story()
    second = offer(told.creator, told.bid, told.job, primary_amount=Sat(5_002_000))
    for documents in ([], [told.bid], [told.offer], [told.bid, told.offer, second]):
        with pytest.raises(EscrowError, match="no offer that counts"):
            terms_of(fold(told.job, documents, told.enrollments))


# The worker's or the creator's program puts other addresses into its document: S2, C3.

OTHER = contract_of(bid(MALLORY, deal().job).document)
SWAPPED = {
    "foreign-primary": {"primary_address": OTHER.of("primary").address},
    "foreign-mediator": {"mediator_address": OTHER.of("mediator").address},
    "both-foreign": {"primary_address": OTHER.of("primary").address, "mediator_address": OTHER.of("mediator").address},
    "crossed": {
        "primary_address": deal().bid.document.mediator_address,
        "mediator_address": deal().bid.document.primary_address,
    },
    "own-wallet": {"primary_address": deal().bid.document.worker_payment_address},
    "upper-case": {"primary_address": deal().bid.document.primary_address.upper()},
    "another-job": {"primary_address": deal(1).bid.document.primary_address},
}


@pytest.mark.parametrize("change", SWAPPED.values(), ids=list(SWAPPED))
def test_a_bid_with_other_escrow_addresses_is_refused(change: dict[str, str]) -> None:
    told = deal()
    bad = dataclasses.replace(told.bid.document, **change)
    with pytest.raises(EscrowError, match="not those of the three keys"):
        check_bid(bad)
    with pytest.raises(EscrowError, match="not those of the three keys"):
        offer_amounts(told.job.document, bad, FEERATE)


def test_an_order_on_a_swapped_address_has_no_terms() -> None:
    """Signed by the right worker and repeated by the right creator, so the order machine lets it pass."""
    told, address = deal(), OTHER.of("primary").address
    placed = bid(CHARLIE, told.job, primary_address=address)
    given_ = offer(BOB, placed, told.job, primary_address=address)
    order = told.fold(placed, given_)
    assert order.offer is not None
    with pytest.raises(EscrowError, match="addresses in the bid"):
        terms_of(order)


def test_an_offer_with_other_addresses_than_the_bid_has_no_terms() -> None:
    """The order machine keeps it apart already; the terms do not rely on that."""
    told = deal()
    for name in ("primary_address", "mediator_address"):
        bad = _offered(told, **{name: OTHER.of(name.removesuffix("_address")).address})
        with pytest.raises(EscrowError, match="addresses in the offer"):
            terms_of(bad)


def _offered(told: Deal, **changes: Any) -> Order:
    """The order as if its offer said something else."""
    document = dataclasses.replace(told.offer.document, **changes)
    return dataclasses.replace(told.order, offer=dataclasses.replace(told.offer, document=document))


# Amounts: C7, S13.


def _with_amounts(told: Deal, primary: int, mediator: int) -> Terms:
    return terms_of(_offered(told, primary_amount=Sat(primary), mediator_amount=Sat(mediator)))


def test_the_fee_band_is_closed_on_both_sides_of_both_escrows() -> None:
    told = deal()
    for terms in told.terms.escrows:
        lowest, highest = MIN_RESERVE_FEERATE * terms.largest_vsize, MAX_FEERATE * terms.largest_vsize
        fine = {lowest, highest}
        for miner in (lowest - 1, lowest, highest, highest + 1, 0, -1, -terms.price):
            amounts = {each.id: each.amount for each in told.terms.escrows}
            amounts[terms.id] = Sat(terms.price + miner)
            ordered = (amounts["primary"], amounts["mediator"])
            if miner in fine:
                assert _with_amounts(told, *ordered).escrows
            else:
                with pytest.raises(EscrowError, match=rf"leaves {miner} sat for the miner of the .* outside"):
                    _with_amounts(told, *ordered)


@given(feerate=st.integers(MIN_RESERVE_FEERATE, MAX_FEERATE), price=st.integers(100_000, MAX_MONEY // 2))
def test_offered_amounts_are_always_in_the_band_and_pay_the_exact_price(feerate: int, price: int) -> None:
    told = deal()
    placed = dataclasses.replace(told.bid.document, amount=Sat(price))
    amounts = offer_amounts(told.job.document, placed, feerate)
    document = dataclasses.replace(
        told.offer.document, amount=Sat(price), primary_amount=amounts["primary"], mediator_amount=amounts["mediator"]
    )
    order = dataclasses.replace(
        told.order,
        bid=dataclasses.replace(told.bid, document=placed),
        offer=dataclasses.replace(told.offer, document=document),
    )
    terms = terms_of(order)
    assert terms.of("primary").price == price
    assert terms.of("mediator").price == mediator_fee(Sat(price), told.job.document.mediator_fee)
    for escrow in terms.escrows:
        assert escrow.miner_fee == feerate * escrow.largest_vsize
        assert type(escrow.amount) is type(escrow.price) is type(escrow.miner_fee) is int


@pytest.mark.parametrize("feerate", [-1, 0, MIN_FEERATE, MIN_RESERVE_FEERATE - 1, MAX_FEERATE + 1, 10**9])
def test_nobody_offers_a_feerate_outside_the_band(feerate: int) -> None:
    with pytest.raises(InputError, match="reserve"):
        offer_amounts(deal().job.document, deal().bid.document, feerate)


@given(key_bytes=st.binary(min_size=32, max_size=32))
def test_the_size_reckoned_is_never_below_the_size_sent(key_bytes: bytes) -> None:
    """Signatures differ in length; the reserve for the miner must do for the longest."""
    told, outpoint = deal(), OutPoint(key_bytes.hex(), 1)
    for terms in told.terms.escrows:
        signed = sign_payout(agreed(terms, outpoint), told.creator).sign(told.receiver_key(terms.id))
        transaction = signed.finalize()
        plain = terms.vsize_of(1, [terms.payout])
        assert plain - 1 <= transaction.vsize <= plain
        assert terms.miner_fee >= FEERATE * transaction.vsize


# The mediator's fee.


@given(amount=st.integers(0, MAX_MONEY), points=st.integers(1, 10_000))
def test_the_mediators_fee_is_the_percentage_rounded_half_up(amount: int, points: int) -> None:
    exact = Fraction(amount * points, 10_000)
    fee = mediator_fee(Sat(amount), BasisPoints(points))
    assert type(fee) is int
    assert abs(fee - exact) <= Fraction(1, 2)
    assert (exact - fee) != Fraction(1, 2), "a half goes up"
    assert 0 <= fee <= amount


@pytest.mark.parametrize(
    ("amount", "points", "fee"),
    [
        (5_000_000, 150, 75_000),
        (100, 50, 1),  # exactly half a satoshi
        (99, 50, 0),
        (10_033, 150, 150),  # 150.495
        (10_034, 150, 151),  # 150.51
        (MAX_MONEY, 10_000, MAX_MONEY),
        (1, 1, 0),
        (123_456_789, 1, 12_346),
    ],
)
def test_known_fees(amount: int, points: int, fee: int) -> None:
    assert mediator_fee(Sat(amount), BasisPoints(points)) == fee


# Dust: what the network does not carry is refused before anything is funded.


def test_prices_that_cannot_be_paid_out() -> None:
    whole, small = BasisPoints(10_000), BasisPoints(100)
    check_price(DUST_LIMIT, whole)
    with pytest.raises(InputError, match="the worker would get 545 sat"):
        check_price(Sat(DUST_LIMIT - 1), whole)
    with pytest.raises(InputError, match="the mediator would get 545 sat") as caught:
        check_price(Sat(54_500), small)
    assert caught.value.hint == "Ask a higher price."
    check_price(Sat(54_550), small)  # 545.5 rounds up
    with pytest.raises(InputError, match="the mediator"):
        offer_amounts(deal().job.document, dataclasses.replace(deal().bid.document, amount=Sat(30_000)), FEERATE)


def test_a_signed_bid_under_dust_has_no_terms() -> None:
    """Somebody else's program need not check its price: ours refuses the order."""
    told = deal()
    placed = bid(CHARLIE, told.job, amount=Sat(30_000))
    given_ = offer(BOB, placed, told.job)
    order = told.fold(placed, given_)
    assert order.offer is not None
    with pytest.raises(EscrowError) as caught:
        terms_of(order)
    assert caught.value.message == (
        "Alice would get 450 sat from the mediator escrow; the network does not carry outputs under 546 sat"
    )


def test_amounts_that_overflow_all_money_are_refused() -> None:
    told = deal()
    amounts = offer_amounts(told.job.document, dataclasses.replace(told.bid.document, amount=MAX_MONEY), FEERATE)
    with pytest.raises(ReinError):
        offer(BOB, told.bid, told.job, primary_amount=amounts["primary"])


@pytest.mark.parametrize("change", [{"primary_amount": PRICE}, {"mediator_amount": Sat(75_000)}])
def test_an_offer_that_reserves_nothing_for_the_miner_does_not_count(change: dict[str, Sat]) -> None:
    told = deal()
    order = told.fold(told.bid, offer(BOB, told.bid, told.job, **change))
    assert order.offer is None
    assert [type(each.reason) for each in order.rejected] == [AuthorityError]


def test_an_offer_of_another_price_than_the_bid_does_not_count() -> None:
    """C7: the amounts are tied to the bid."""
    told = deal()
    lower = offer(BOB, told.bid, told.job, amount=Sat(4_000_000), primary_amount=Sat(4_001_000))
    order = told.fold(told.bid, lower)
    assert order.offer is None
    assert "bid amount" in order.rejected[0].reason.message


# Payment addresses of another network never get into a document: S7.


@pytest.mark.parametrize("address", [deal(network=MAINNET).bid.document.worker_payment_address, "bcrt1qqqqqq"])
def test_a_bid_cannot_ask_to_be_paid_elsewhere(address: str) -> None:
    with pytest.raises(FieldError, match="Worker payment address"):
        bid(CHARLIE, deal().job, worker_payment_address=address)


# Nothing is shared between two jobs of the same three people: S14.


def test_every_job_has_its_own_escrows() -> None:
    deals = [deal(number) for number in range(12)]
    assert len({each.job.document.creator_public_key for each in deals}) == 12
    addresses = [terms.escrow.address for each in deals for terms in each.terms.escrows]
    assert len(addresses) == len(set(addresses)) == 12 * 2
    keys = [key.secret for each in deals for key in each.keys.values()]
    assert len(keys) == len(set(keys)) == 12 * 3


def test_the_same_job_id_in_two_job_documents_gives_two_contracts() -> None:
    """A creator who repeats a Job ID, and so their own key, cannot make two jobs share an escrow."""
    told = deal()
    again = job(BOB, person("Alice"), description="The same Job ID, another job.")
    twin = bid(CHARLIE, again)
    assert again.document.job_id == told.job.document.job_id
    assert again.document.creator_public_key == told.job.document.creator_public_key
    assert twin.document.mediator_public_key != told.bid.document.mediator_public_key
    assert twin.document.worker_public_key != told.bid.document.worker_public_key
    assert twin.document.primary_address != told.bid.document.primary_address
    assert twin.document.mediator_address != told.bid.document.mediator_address


def test_terms_are_read_from_documents_alone() -> None:
    """The same documents give the same terms to everybody."""
    again = deal().fold(deal().offer, deal().bid)
    assert terms_of(again) == deal().terms
    ours, theirs = agreed(deal().terms.of("primary"), OUTPOINT), agreed(terms_of(again).of("primary"), OUTPOINT)
    assert sign_payout(ours, deal().creator) == sign_payout(theirs, deal().creator)


def test_the_limits_everybody_holds_an_offer_to() -> None:
    """Two programs with other limits would disagree whether an offer counts: these are part of the protocol."""
    assert (MIN_FEERATE, MIN_RESERVE_FEERATE, MAX_FEERATE, MAX_COINS, DUST_LIMIT) == (1, 5, 500, 8, 546)
