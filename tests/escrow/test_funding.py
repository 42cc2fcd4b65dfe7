"""Whether the money is there: enough of it, deep enough, at the right script, and nothing else counts."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.networks import MAINNET, REGTEST, SIGNET, TESTNET4, Network
from rein.btc.transaction import OutPoint
from rein.chain.source import Output
from rein.escrow.funding import EscrowFunding, Filling, Verdict, coins_of, confirmations_needed, match_funding
from rein.escrow.payout import MAX_COINS, Coin
from tests.support.money import deal

TERMS = deal().terms
PRIMARY, MEDIATOR = TERMS.escrows
ONE_MORE_INPUT = 105
"""Virtual bytes that spending one more output of the primary escrow takes, and so satoshis at the lowest feerate."""


def out(number: int, script: bytes, amount: int, confirmations: int = 1) -> Output:
    """An unspent output of its own transaction."""
    height = None if confirmations == 0 else 200 - confirmations
    return Output(OutPoint(f"{number:064x}", 0), Sat(amount), script, height, confirmations)


def at_primary(*amounts: int, depth: int = 1) -> list[Output]:
    return [out(100 + n, PRIMARY.escrow.script, amount, depth) for n, amount in enumerate(amounts)]


EXACT = (out(1, PRIMARY.escrow.script, PRIMARY.amount), out(2, MEDIATOR.escrow.script, MEDIATOR.amount))


@pytest.mark.parametrize(
    ("amount", "network", "needed"),
    [
        (999_999, MAINNET, 1),
        (1_000_000, MAINNET, 3),
        (99_999_999, MAINNET, 3),
        (100_000_000, MAINNET, 6),
        (2_100_000_000_000_000, SIGNET, 6),
        (1_000_000, TESTNET4, 3),
        (2_100_000_000_000_000, REGTEST, 1),
    ],
)
def test_confirmations_grow_with_the_amount(amount: int, network: Network, needed: int) -> None:
    assert confirmations_needed(Sat(amount), network) == needed


def test_exact_amounts_in_both_escrows_are_complete() -> None:
    funding = match_funding(TERMS, EXACT, REGTEST)
    assert funding.complete
    assert [terms.outputs for terms in funding.escrows] == [(each,) for each in EXACT]
    assert [terms.filling for terms in funding.escrows] == [Filling.EXACT] * 2
    assert [terms.confirmations_needed for terms in funding.escrows] == [1, 1]
    assert funding.escrows == (funding.of("primary"), funding.of("mediator"))
    assert funding.ids == ("primary", "mediator")
    assert str(funding.of("primary")) == "primary escrow: 0.05006363 BTC, 1 confirmation"


@pytest.mark.parametrize("left_out", [0, 1])
def test_one_funded_escrow_is_not_enough(left_out: int) -> None:
    funding = match_funding(TERMS, [EXACT[1 - left_out]], REGTEST)
    assert not funding.complete
    empty = funding.escrows[left_out]
    assert (empty.filling, empty.missing, empty.confirmations) == (Filling.EMPTY, empty.terms.amount, 0)
    assert str(empty) == f"{empty.terms.id} escrow: nothing has come in a block yet"


def test_too_little_is_said_with_what_is_missing() -> None:
    """C7: underfunding is seen."""
    funding = match_funding(TERMS, [*at_primary(PRIMARY.amount - 1), EXACT[1]], REGTEST)
    assert not funding.complete
    assert (funding.of("primary").filling, funding.of("primary").missing) == (Filling.UNDER, 1)
    assert funding.of("primary").confirmations == 0, "what is not there is not deep"
    assert str(funding.of("primary")) == (
        "primary escrow: holds 0.05006362 BTC of 0.05006363, 0.00000546 BTC more must go to the same address, though "
        "only 1 sat is missing: the network does not carry less"
    )


def test_too_much_counts_and_is_said_to_come_back() -> None:
    funding = match_funding(TERMS, [*at_primary(PRIMARY.amount + 1), EXACT[1]], REGTEST)
    assert funding.complete
    assert (funding.of("primary").filling, funding.of("primary").missing) == (Filling.OVER, 0)
    assert str(funding.of("primary")) == (
        "primary escrow: 0.05006364 BTC, 1 confirmation, 0.00000001 BTC too much, "
        "which come back with the payment, or by a refund after it"
    )


def test_two_halves_are_the_whole() -> None:
    half = PRIMARY.amount // 2
    halves = at_primary(half, PRIMARY.amount - half)
    funding = match_funding(TERMS, [*halves, EXACT[1]], REGTEST)
    assert funding.complete
    assert (funding.of("primary").outputs, funding.of("primary").filling) == (tuple(halves), Filling.EXACT)


def test_the_right_amount_at_the_other_escrow_does_not_count() -> None:
    crossed = [out(1, MEDIATOR.escrow.script, PRIMARY.amount), out(2, PRIMARY.escrow.script, MEDIATOR.amount)]
    funding = match_funding(TERMS, crossed, REGTEST)
    assert not funding.complete
    assert [terms.filling for terms in funding.escrows] == [Filling.UNDER, Filling.OVER]


def test_money_at_the_escrows_of_another_job_does_not_count() -> None:
    """S14: the same three people, the same amounts, another job."""
    other = deal(1).terms
    outputs = [out(1, other.of("primary").escrow.script, other.of("primary").amount), EXACT[1]]
    funding = match_funding(TERMS, outputs, REGTEST)
    assert (funding.of("primary").outputs, funding.of("primary").dust) == ((), ())


def test_dust_from_strangers_changes_nothing() -> None:
    """S13: whoever knows an address can send to it; what costs more than it brings is left there."""
    dust = [out(10 + n, PRIMARY.escrow.script, 1 + n, 100) for n in range(ONE_MORE_INPUT)]
    funding = match_funding(TERMS, [*dust, *EXACT], REGTEST)
    assert funding.complete
    assert funding.of("primary").outputs == EXACT[:1]
    assert set(funding.of("primary").dust) == set(dust)
    assert funding.of("primary").holds == PRIMARY.amount
    assert funding.of("primary").coins == coins_of([*dust, EXACT[0]])
    lies_there = "primary escrow: 0.05006363 BTC, 1 confirmation, {} that no payment spends; a refund after it may"
    assert str(funding.of("primary")) == lies_there.format("5,565 sat in 105 outputs")
    little = match_funding(TERMS, [*dust[:1], *EXACT], REGTEST)
    assert str(little.of("primary")) == lies_there.format("1 sat in 1 output")


def test_a_ninth_piece_has_to_make_up_for_the_one_it_displaces() -> None:
    """Of nine outputs a payment spends the eight largest."""
    least = 10_000
    amounts = [*[(PRIMARY.amount - DUST_LIMIT - least) // 7] * 6, least]
    amounts.append(PRIMARY.amount - DUST_LIMIT - sum(amounts))
    terms = match_funding(TERMS, at_primary(*amounts), REGTEST).of("primary")
    assert (terms.missing, terms.ask) == (DUST_LIMIT, DUST_LIMIT + least)
    assert list(terms.words())[1:] == [
        "0.00010546 BTC more must go to the same address",
        "though only 546 sat is missing: a payment spends 8 outputs at most",
    ]
    assert (
        match_funding(TERMS, at_primary(*amounts, DUST_LIMIT + least), REGTEST).of("primary").verdict
        is Verdict.COMPLETE
    )


def test_what_brings_a_satoshi_more_than_it_costs_counts() -> None:
    funding = match_funding(TERMS, at_primary(ONE_MORE_INPUT + 1, ONE_MORE_INPUT), REGTEST)
    assert [each.amount for each in funding.of("primary").outputs] == [ONE_MORE_INPUT + 1]


def test_more_outputs_than_a_payment_spends_count_from_the_largest() -> None:
    amounts = [10_000 + n for n in range(MAX_COINS + 3)]
    funding = match_funding(TERMS, at_primary(*amounts), REGTEST)
    assert sorted(each.amount for each in funding.of("primary").outputs) == amounts[-MAX_COINS:]
    assert sorted(each.amount for each in funding.of("primary").dust) == amounts[:-MAX_COINS]
    assert funding.of("primary").holds == sum(amounts[-MAX_COINS:])


def test_the_depth_is_of_the_youngest_output_that_is_needed() -> None:
    deep, young = at_primary(PRIMARY.amount - 1, depth=40)[0], out(50, PRIMARY.escrow.script, 1_000, 2)
    younger = out(51, PRIMARY.escrow.script, 90_000, 1)
    assert match_funding(TERMS, [deep, young, younger], REGTEST).of("primary").confirmations == 2
    assert match_funding(TERMS, [deep, younger], REGTEST).of("primary").confirmations == 1
    alone = out(52, PRIMARY.escrow.script, PRIMARY.amount, 30)
    assert match_funding(TERMS, [alone, younger], REGTEST).of("primary").confirmations == 30, "more may come later"


def test_waiting_outputs_are_named_with_what_is_missing() -> None:
    terms = deal(network=MAINNET).terms
    outputs = [
        out(1, terms.of("primary").escrow.script, terms.of("primary").amount, 2),
        out(2, terms.of("mediator").escrow.script, terms.of("mediator").amount + 1_000, 0),
    ]
    funding = match_funding(terms, outputs, MAINNET)
    assert not funding.complete
    assert str(funding.of("primary")) == "primary escrow: arrived, 2 of 3 confirmations"
    assert str(funding.of("mediator")) == (
        "mediator escrow: arrived, 0 of 1 confirmation, 0.00001000 BTC too much, "
        "which come back with the payment, or by a refund after it"
    )


def test_enough_is_not_complete_until_it_is_deep() -> None:
    terms = deal(network=MAINNET).terms
    for depth in (0, 1, 2, 3, 4):
        escrow = match_funding(
            terms, [out(1, terms.of("primary").escrow.script, terms.of("primary").amount, depth)], MAINNET
        ).of("primary")
        assert escrow.complete == (depth >= 3)


_outputs = st.lists(
    st.builds(
        out,
        st.integers(0, 2**32),
        st.sampled_from([PRIMARY.escrow.script, MEDIATOR.escrow.script, PRIMARY.payout.script, b"", b"\x6a"]),
        st.sampled_from([PRIMARY.amount, MEDIATOR.amount]) | st.integers(0, 10**8),
        st.integers(0, 10),
    ),
    max_size=12,
    unique_by=lambda output: output.outpoint,
)


@given(outputs=_outputs, shuffled=st.randoms())
def test_whatever_lies_there_only_outputs_of_the_contract_count(outputs: list[Output], shuffled: Random) -> None:
    funding = match_funding(TERMS, outputs, REGTEST)
    again = list(outputs)
    shuffled.shuffle(again)
    for terms, twin in zip(funding.escrows, match_funding(TERMS, again, REGTEST).escrows, strict=True):
        _check(terms, outputs)
        assert (terms.outputs, terms.dust) == (twin.outputs, twin.dust)


def _check(escrow: EscrowFunding, outputs: list[Output]) -> None:
    terms = escrow.terms
    here = {output for output in outputs if output.script == terms.escrow.script}
    assert {*escrow.outputs, *escrow.dust} == here
    assert len(escrow.outputs) + len(escrow.dust) == len(here)
    assert all(isinstance(coin, Coin) for coin in escrow.coins)
    assert sorted(coin.amount for coin in escrow.coins) == sorted(output.amount for output in here)
    assert escrow.holds + escrow.missing >= terms.amount
    assert (escrow.filling in (Filling.EXACT, Filling.OVER)) == (escrow.holds >= terms.amount)
    deep_enough = sum(output.amount for output in escrow.outputs if output.confirmations >= 1) >= terms.amount
    assert escrow.complete == deep_enough
    assert str(escrow).startswith(f"{terms.id} escrow: ")
