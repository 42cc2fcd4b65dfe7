"""For every set of outputs in an escrow and every ending of the job there is a signed way out, to the satoshi."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.transaction import MAX_WEIGHT, OutPoint, TxOutput
from rein.devnet.standard import check_standard
from rein.errors import EscrowError, InputError
from rein.escrow.explain import explain
from rein.escrow.payable import covers, missing_from, payable_in_every_ending
from rein.escrow.payout import (
    Coin,
    Payout,
    Split,
    build_payout,
    choose_coins,
    complete_payout,
    largest,
    payout_at,
    plan_payout,
    sign_payout,
    the_price,
)
from rein.escrow.proposals import award_split, refund_of
from rein.escrow.terms import (
    MAX_COINS,
    MAX_FEERATE,
    MIN_FEERATE,
    MIN_RESERVE_FEERATE,
    EscrowTerms,
    check_fee_band,
    offer_amounts,
)
from rein.protocol.documents import Role
from tests.support.money import deal

TOLD = deal(40, feerate=MIN_RESERVE_FEERATE)
PRIMARY, MEDIATOR = TOLD.terms.escrows
ESCROWS = (PRIMARY, MEDIATOR)
SIGNERS = {
    "primary": [(TOLD.creator, TOLD.worker), (TOLD.mediator, TOLD.worker), (TOLD.mediator, TOLD.creator)],
    "mediator": [(TOLD.creator, TOLD.mediator), (TOLD.worker, TOLD.mediator)],
}


def coin(number: int, amount: int) -> Coin:
    return Coin(OutPoint(f"{number + 1:064x}", number % 3), Sat(amount))


def pieces(*amounts: int) -> list[Coin]:
    return [coin(number, amount) for number, amount in enumerate(amounts)]


def evenly(total: int, count: int) -> list[Coin]:
    return pieces(*[total // count] * (count - 1), total - total // count * (count - 1))


def accept_by_rules(payout: Payout) -> None:
    """Signed by every two who may, it is what nodes relay and what consensus takes."""
    kernel = pytest.importorskip("pbk")
    for first, second in SIGNERS[payout.terms.id]:
        sent = sign_payout(payout, first)
        found = explain(sent.to_base64(), payout.terms, payout.split, payout.coins, {first.public_key}, reserved=False)
        assert found.as_agreed, found.differences
        transaction = complete_payout(sent, second)
        check_standard(transaction)
        assert transaction.weight < MAX_WEIGHT
        assert payout.fee >= MIN_FEERATE * transaction.vsize
        made, script = kernel.Transaction(transaction.raw), kernel.ScriptPubkey(payout.terms.escrow.script)
        spent = [kernel.TransactionOutput(script, each.amount) for each in payout.coins]
        prepared = kernel.script.PrecomputedTransactionData(made, spent)
        for index, each in enumerate(payout.coins):
            assert script.verify(each.amount, made, prepared, index, kernel.ScriptVerificationFlags.ALL) == 1


def books_close(payout: Payout, split: Split) -> None:
    """Everybody gets what is theirs, and nothing is lost: to the satoshi."""
    assert sum(each.amount for each in payout.coins) == payout.split.payee + payout.back + payout.fee
    assert payout.split.payee == split.payee
    assert payout.back >= split.payer


_piece = st.integers(1, 400) | st.integers(330, 3_000) | st.integers(3_000, 6_000_000)
_gifts = st.lists(_piece, max_size=14)
_terms = st.sampled_from(ESCROWS)


@st.composite
def _funded(draw: st.DrawFn) -> tuple[EscrowTerms, list[Coin]]:
    """An escrow that was paid in as many pieces as one payment can spend, of any size and in any order, among whatever
    strangers strew on it."""
    terms = draw(_terms)
    cuts = sorted(draw(st.sets(st.integers(1, terms.amount - 1), max_size=MAX_COINS - 1)))
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, terms.amount], strict=True)]
    amounts = draw(st.permutations([*parts, *draw(_gifts)]))
    return terms, pieces(*amounts)


@st.composite
def _award(draw: st.DrawFn) -> tuple[int, int]:
    """Any award of the primary escrow's price, to the satoshi; what is left of it is for the miner."""
    worker = draw(st.just(0) | st.integers(DUST_LIMIT, PRIMARY.price - DUST_LIMIT) | st.just(PRIMARY.price))
    creator = PRIMARY.price - worker
    given_up = draw(st.just(0) | st.integers(0, 20_000))
    if worker > given_up + DUST_LIMIT:
        return worker - given_up, creator
    return worker, creator


@given(funded=_funded(), award=_award(), feerate=st.integers(MIN_FEERATE, MAX_FEERATE), reserved=st.booleans())
@example((PRIMARY, evenly(PRIMARY.amount, 8)), (PRIMARY.price // 2, PRIMARY.price // 2), 1, True)
@example((PRIMARY, [*evenly(PRIMARY.amount, 1), coin(9, 1_500)]), (0, PRIMARY.price), 1, True)
@example((MEDIATOR, evenly(MEDIATOR.amount, 8)), (PRIMARY.price, 0), 29, True)
def test_every_award_of_every_funded_escrow_has_a_way_out(
    funded: tuple[EscrowTerms, list[Coin]], award: tuple[int, int], feerate: int, reserved: bool
) -> None:
    terms, coins = funded
    assert covers(terms, coins)
    assert payable_in_every_ending(terms, coins)
    split = award_split(terms, *map(Sat, award)) if terms is PRIMARY else the_price(terms)
    payout = plan_payout(terms, coins, split, feerate, reserved=reserved)
    books_close(payout, split)
    assert payout.reaches(min(feerate, MIN_RESERVE_FEERATE)) == 1, "the reserve does for every shape"
    if reserved:
        assert payout.fee < terms.miner_fee + split.miner + DUST_LIMIT
    accept_by_rules(payout)


@given(terms=_terms, amounts=st.lists(_piece, max_size=20), shuffled=st.randoms())
def test_payable_is_one_answer_for_the_same_outputs(
    terms: EscrowTerms, amounts: list[int], shuffled: random.Random
) -> None:
    coins = pieces(*amounts)
    found = payable_in_every_ending(terms, coins)
    again = list(coins)
    shuffled.shuffle(again)
    assert payable_in_every_ending(terms, again) == found
    assert not covers(terms, coins) or found
    if not found:
        missing = missing_from(terms, coins)
        topped_up = [*coins, coin(1_000, missing)]
        assert missing >= DUST_LIMIT
        assert payable_in_every_ending(terms, topped_up), "what it asks for is enough, whatever is there"
        assert sum(each.amount for each in largest(topped_up)) >= terms.amount


@given(terms=_terms, amounts=st.lists(_piece, min_size=1, max_size=30), author=st.sampled_from(Role))
def test_whatever_lies_there_goes_back_in_the_end(terms: EscrowTerms, amounts: list[int], author: Role) -> None:
    """One refund after another, until what is left is not worth its fee at any rate."""
    left, returned, paid = pieces(*amounts), 0, False
    put_in = sum(amounts)
    spent = 0
    for _ in range(len(amounts) + 1):
        split = refund_of(terms, left, author=author, paid=paid)
        try:
            payout = plan_payout(terms, left, split, MIN_FEERATE)
        except EscrowError:
            break
        accept_by_rules(payout)
        paid = paid or bool(split.payee)
        returned += payout.back + payout.split.payee
        spent += payout.fee
        left = [each for each in left if each not in payout.coins]
    assert returned + spent + sum(each.amount for each in left) == put_in
    lone = terms.vsize_of(1, [TxOutput(DUST_LIMIT, terms.payer.script)]) * MIN_FEERATE + DUST_LIMIT
    assert all(each.amount < lone for each in left), "what is left is worth nothing by itself"


# The cases by name


def _offered_at_one(which: EscrowTerms = PRIMARY) -> EscrowTerms:
    """The escrow of an offer as it once could be: one sat/vB of one input and one output."""
    plain = which.vsize_of(1, [which.payout])
    return dataclasses.replace(which, amount=Sat(which.price + plain))


@pytest.mark.parametrize("which", ESCROWS)
def test_the_highest_fee_is_of_the_payment_with_the_output_it_has(which: EscrowTerms) -> None:
    """600 sat more than asked make a second output; the fee is held against the size with it."""
    terms = _offered_at_one(which)
    more = [coin(0, terms.amount + 600)]
    for split in (the_price(terms), Split(Sat(0), terms.price), Split(Sat(0))):
        for feerate in (1, 2, 10, 500):
            accept_by_rules(payout_at(terms, more, split, feerate, reserved=True))


@pytest.mark.parametrize("which", ESCROWS)
def test_nobody_counts_an_offer_that_could_not_be_paid_out(which: EscrowTerms) -> None:
    with pytest.raises(EscrowError, match="outside"):
        check_fee_band(_offered_at_one(which))
    with pytest.raises(InputError, match="a reserve of 1 sat/vB is outside 5 to 500"):
        offer_amounts(TOLD.job.document, TOLD.bid.document, 1)


def test_a_gift_stops_nobody() -> None:
    """A stranger's 1,500 sat at the lowest reserve: the dispute's fee and every award can be signed."""
    for terms in ESCROWS:
        coins = [*pieces(terms.amount), coin(7, 1_500)]
        assert payable_in_every_ending(terms, coins)


def test_eight_pieces_at_a_high_estimate_do_not_hold_nothing() -> None:
    """None of them is worth its fee at 40 sat/vB, and yet together they are the mediator's fee."""
    terms = dataclasses.replace(MEDIATOR, price=Sat(6_000), amount=Sat(6_000 + 10 * MEDIATOR.largest_vsize))
    coins = evenly(terms.amount, 8)
    assert choose_coins(terms, coins, 40) == ()
    payout = plan_payout(terms, coins, the_price(terms), 40, reserved=True)
    assert (len(payout.coins), payout.split.payee) == (8, terms.price)
    accept_by_rules(payout)


def test_a_reserve_for_the_worst_pays_the_plain_payment_at_a_higher_floor() -> None:
    """Nodes that ask for ten times as much as when the offer was written relay the plain payment all the same."""
    for terms in ESCROWS:
        payout = plan_payout(terms, pieces(terms.amount), the_price(terms), 10, reserved=True)
        assert payout.reaches(10) == 1


def test_what_came_too_much_comes_back_with_every_payment_where_it_is_worth_its_fee() -> None:
    """An award spends all that is worth it, and not the largest output alone."""
    coins = pieces(PRIMARY.amount, 60_000, 700, 1_200)
    for split in (Split(PRIMARY.price), Split(Sat(0), PRIMARY.price)):
        payout = plan_payout(PRIMARY, coins, split, 10, reserved=True)
        assert sorted(each.amount for each in payout.coins) == [1_200, 60_000, PRIMARY.amount]
    cheap = plan_payout(PRIMARY, coins, Split(PRIMARY.price), 5, reserved=True)
    assert len(cheap.coins) == 4


def test_what_is_not_worth_its_fee_is_named_with_the_rate_at_which_it_is() -> None:
    for held, rate in ((841, 8), (840, 7), (106, 1)):  # 105 virtual bytes an input
        with pytest.raises(EscrowError) as told:
            plan_payout(PRIMARY, pieces(held), Split(Sat(0)), 50)
        assert told.value.message == (
            f"what the primary escrow holds, {held} sat in 1 output, costs more to spend at 50 sat/vB than it brings"
        )
        assert told.value.hint == f"It does at a lower rate: --feerate {rate}"
        assert choose_coins(PRIMARY, pieces(held), rate) != ()
        assert choose_coins(PRIMARY, pieces(held), rate + 1) == ()
    with pytest.raises(EscrowError, match="costs more") as told:
        plan_payout(PRIMARY, pieces(100), Split(Sat(0)), 50)
    assert told.value.hint == "It is lost to fees."


def test_one_satoshi_too_little_asks_for_what_the_network_carries() -> None:
    terms = deal(42, feerate=10).terms.of("primary")
    assert missing_from(terms, pieces(terms.amount)) == 0
    assert missing_from(terms, pieces(terms.amount - 1)) == DUST_LIMIT
    assert missing_from(terms, pieces(terms.amount - 5_000)) == 5_000
    assert payable_in_every_ending(terms, pieces(terms.amount - 1)), "the least reserve is there"
    least = terms.price + MIN_RESERVE_FEERATE * terms.largest_vsize
    assert covers(terms, pieces(least))
    assert not covers(terms, pieces(least - 1))
    ninth = evenly(terms.amount, 9)
    assert not payable_in_every_ending(terms, ninth)
    assert missing_from(terms, ninth) == terms.amount - sum(each.amount for each in largest(ninth)[:7])


# Those who gain may give up part of their share for the miner


@given(
    amount=st.integers(MEDIATOR.amount, MEDIATOR.amount + 3_000),
    count=st.integers(1, 8),
    feerate=st.integers(1, MAX_FEERATE),
)
def test_mediators_may_take_less_in_a_refund_of_their_own(amount: int, count: int, feerate: int) -> None:
    coins = evenly(amount, count)
    split = refund_of(MEDIATOR, coins, author=Role.MEDIATOR)
    payout = plan_payout(MEDIATOR, coins, split, feerate, reserved=True)
    kept = min(MEDIATOR.miner_fee, payout.fee)
    assert payout.split.payee == MEDIATOR.price - payout.split.miner
    assert payout.fee - payout.split.miner <= kept + DUST_LIMIT
    assert payout.total == payout.split.payee + payout.back + payout.fee
    sent = sign_payout(payout, TOLD.mediator).to_base64()
    found = explain(sent, MEDIATOR, split, coins, {TOLD.mediator.public_key}, reserved=True)
    assert found.expected == payout, "everybody builds the same from the fee"
    accept_by_rules(payout)
    if payout.split.miner:
        by_another = refund_of(MEDIATOR, coins, author=Role.WORKER)
        assert not explain(sent, MEDIATOR, by_another, coins, {TOLD.mediator.public_key}).as_agreed


def test_an_award_may_leave_more_to_the_miner_out_of_what_is_gained() -> None:
    """At a floor above what the offer keeps for eight pieces, less than the price is awarded; others burn nothing."""
    coins = evenly(PRIMARY.amount, 8)
    needed = 20 * PRIMARY.largest_vsize
    whole = plan_payout(PRIMARY, coins, award_split(PRIMARY, PRIMARY.price, Sat(0)), 20, reserved=True)
    assert whole.reaches(20) < 1
    less = award_split(PRIMARY, Sat(PRIMARY.price - needed), Sat(0))
    payout = plan_payout(PRIMARY, coins, less, 20, reserved=True)
    assert payout.reaches(20) == 1
    accept_by_rules(payout)


def test_a_price_too_small_to_share_is_payable_whole() -> None:
    """Half of 600 sat is dust: no award gives it, and so none has to have a way out."""
    for price in (DUST_LIMIT, 600, 2 * DUST_LIMIT - 1, 2 * DUST_LIMIT):
        terms = dataclasses.replace(
            PRIMARY, price=Sat(price), amount=Sat(price + MIN_RESERVE_FEERATE * PRIMARY.largest_vsize)
        )
        assert payable_in_every_ending(terms, pieces(terms.amount))
        one_output = price + MIN_RESERVE_FEERATE * PRIMARY.vsize_of(1, [PRIMARY.payout])
        assert payable_in_every_ending(terms, pieces(one_output)) == (price < 2 * DUST_LIMIT)
        assert not payable_in_every_ending(terms, pieces(one_output - 1))
    with pytest.raises(EscrowError, match=r"^the primary escrow holds nothing now$"):
        plan_payout(PRIMARY, [], the_price(PRIMARY), 10)


def test_a_refund_leaves_the_payer_an_output_however_high_the_feerate() -> None:
    """The miner takes what the feerate asks for, short of what would leave nothing to send back."""
    payout = payout_at(PRIMARY, pieces(10_000), Split(Sat(0)), 90)
    assert (payout.fee, payout.back) == (10_000 - DUST_LIMIT, DUST_LIMIT)
    accept_by_rules(payout)


def test_what_strangers_strew_is_left_there_where_the_payment_needs_it_not() -> None:
    """100 sat cost more than they bring; the payment has its feerate without them."""
    payout = plan_payout(PRIMARY, pieces(100, PRIMARY.amount, 100), the_price(PRIMARY), 10)
    assert [each.amount for each in payout.coins] == [PRIMARY.amount]


def test_only_a_reserved_fee_is_held_against_the_offer() -> None:
    """Who gets the rest may hurry the payment at their own expense."""
    coins = pieces(PRIMARY.amount + 100_000)
    hurried = plan_payout(PRIMARY, coins, the_price(PRIMARY), 100)
    reserved = plan_payout(PRIMARY, coins, the_price(PRIMARY), 100, reserved=True)
    assert hurried.reaches(100) == 1
    assert hurried.fee > PRIMARY.miner_fee == reserved.fee


def test_mediators_bear_only_what_the_offer_does_not_keep_for_the_miner() -> None:
    """What is there above the fee of the mediator pays the miner first, as far as the offer keeps it for that, and all
    of it where the rest would be dust."""
    price, kept = MEDIATOR.price, MEDIATOR.miner_fee
    bearing = dataclasses.replace(the_price(MEDIATOR), bears=True)
    for there, fee, gets, back in (
        (price + kept + DUST_LIMIT, kept, price, DUST_LIMIT),
        (price + kept + DUST_LIMIT, kept + 1, price - 1, DUST_LIMIT),
        (price + kept + DUST_LIMIT - 1, kept + DUST_LIMIT - 1, price, 0),
        (price + kept + DUST_LIMIT - 1, kept + DUST_LIMIT, price - 1, 0),
        (price + kept - 100, kept - 100, price, 0),
        (price + kept - 100, kept, price - 100, 0),
        (price + kept, kept + price - DUST_LIMIT, DUST_LIMIT, 0),
    ):
        payout = build_payout(MEDIATOR, pieces(there), bearing, Sat(fee))
        assert (payout.split.payee, payout.back, payout.fee) == (gets, back, fee)
    with pytest.raises(EscrowError, match=rf"^a fee of {kept + price - DUST_LIMIT + 1:,} sat would eat up the"):
        build_payout(MEDIATOR, pieces(price + kept), bearing, Sat(kept + price - DUST_LIMIT + 1))
