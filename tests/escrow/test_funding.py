"""Whether the money is there: exact, deep enough, at the right script, and nothing else counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import Sat
from rein.btc.networks import MAINNET, REGTEST, SIGNET, TESTNET4, Network
from rein.btc.transaction import OutPoint
from rein.chain.source import Output
from rein.escrow.contract import Purse
from rein.escrow.funding import PurseFunding, confirmations_needed, match_funding
from tests.support.money import deal

TERMS = deal().terms
PRIMARY, MEDIATOR = TERMS.purses


def out(number: int, script: bytes, amount: int, confirmations: int = 1) -> Output:
    """An unspent output of its own transaction."""
    height = None if confirmations == 0 else 200 - confirmations
    return Output(OutPoint(f"{number:064x}", 0), Sat(amount), script, height, confirmations)


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
    assert [purse.output for purse in funding.purses] == list(EXACT)
    assert funding.of(Purse.PRIMARY) is funding.primary
    assert funding.of(Purse.MEDIATOR) is funding.mediator
    assert str(funding.primary) == "primary escrow: 0.05001022 BTC, 1 confirmations"


@pytest.mark.parametrize("left_out", [0, 1])
def test_one_funded_escrow_is_not_enough(left_out: int) -> None:
    funding = match_funding(TERMS, [EXACT[1 - left_out]], REGTEST)
    assert not funding.complete
    empty = funding.purses[left_out]
    assert str(empty) == f"{empty.terms.escrow.purse.value} escrow: nothing has arrived yet"


@pytest.mark.parametrize("wrong", [1, 545, 546, PRIMARY.amount - 1, PRIMARY.amount + 1, 2 * PRIMARY.amount])
def test_another_amount_is_listed_and_does_not_count(wrong: int) -> None:
    """C7: underfunding is seen; what is too much is not paid out to anybody by accident."""
    other = out(3, PRIMARY.escrow.script, wrong)
    funding = match_funding(TERMS, [other, EXACT[1]], REGTEST)
    assert not funding.complete
    assert funding.primary.output is None
    assert funding.primary.others == (other,)
    assert "but needs one output of exactly 0.05001022 BTC" in str(funding.primary)


def test_two_halves_are_not_the_whole() -> None:
    half = PRIMARY.amount // 2
    halves = [out(3, PRIMARY.escrow.script, half), out(4, PRIMARY.escrow.script, PRIMARY.amount - half)]
    funding = match_funding(TERMS, [*halves, EXACT[1]], REGTEST)
    assert not funding.complete
    assert funding.primary.others == tuple(halves)


def test_the_right_amount_at_the_other_escrow_does_not_count() -> None:
    crossed = [out(1, MEDIATOR.escrow.script, PRIMARY.amount), out(2, PRIMARY.escrow.script, MEDIATOR.amount)]
    funding = match_funding(TERMS, crossed, REGTEST)
    assert not funding.complete
    assert [purse.output for purse in funding.purses] == [None, None]


def test_money_at_the_escrows_of_another_job_does_not_count() -> None:
    """S14: the same three people, the same amounts, another job."""
    other = deal(1).terms
    outputs = [out(1, other.primary.escrow.script, other.primary.amount), EXACT[1]]
    funding = match_funding(TERMS, outputs, REGTEST)
    assert funding.primary.output is None
    assert funding.primary.others == ()


def test_dust_from_strangers_changes_nothing() -> None:
    """S13: whoever knows an address can send to it; what counts stays the same output."""
    dust = [out(10 + n, PRIMARY.escrow.script, 546 + n, 100) for n in range(50)]
    funding = match_funding(TERMS, [*dust, *EXACT], REGTEST)
    assert funding.complete
    assert funding.primary.output == EXACT[0]
    assert set(funding.primary.others) == set(dust)


def test_of_several_exact_outputs_the_oldest_counts_and_ties_break_by_outpoint() -> None:
    young, old = (out(n, PRIMARY.escrow.script, PRIMARY.amount, depth) for n, depth in ((1, 2), (9, 40)))
    twin = out(5, PRIMARY.escrow.script, PRIMARY.amount, 40)
    for outputs in ([young, old, twin], [twin, old, young], [old, young, twin]):
        funding = match_funding(TERMS, outputs, REGTEST)
        assert funding.primary.output == twin
        assert set(funding.primary.others) == {young, old}


def test_waiting_outputs_are_named_with_what_is_missing() -> None:
    terms = deal(network=MAINNET).terms
    outputs = [
        out(1, terms.primary.escrow.script, terms.primary.amount, 2),
        out(2, terms.mediator.escrow.script, terms.mediator.amount, 0),
    ]
    funding = match_funding(terms, outputs, MAINNET)
    assert not funding.complete
    assert str(funding.primary) == "primary escrow: arrived, 2 of 3 confirmations"
    assert str(funding.mediator) == "mediator escrow: arrived, 0 of 1 confirmations"


_outputs = st.lists(
    st.builds(
        out,
        st.integers(0, 2**32),
        st.sampled_from([PRIMARY.escrow.script, MEDIATOR.escrow.script, PRIMARY.payout.script, b"", b"\x6a"]),
        st.sampled_from([PRIMARY.amount, MEDIATOR.amount]) | st.integers(0, 10**8),
        st.integers(0, 10),
    ),
    max_size=8,
    unique_by=lambda output: output.outpoint,
)


@given(outputs=_outputs, shuffled=st.randoms())
def test_whatever_lies_there_only_the_exact_output_of_the_contract_counts(outputs: list[Output], shuffled) -> None:  # type: ignore[no-untyped-def]  # hypothesis gives random.Random
    funding = match_funding(TERMS, outputs, REGTEST)
    again = list(outputs)
    shuffled.shuffle(again)
    for purse, twin in zip(funding.purses, match_funding(TERMS, again, REGTEST).purses, strict=True):
        _check(purse, outputs)
        assert purse.output == twin.output
        assert set(purse.others) == set(twin.others)


def _check(purse: PurseFunding, outputs: list[Output]) -> None:
    terms = purse.terms
    here = [output for output in outputs if output.script == terms.escrow.script]
    exact = [output for output in here if output.amount == terms.amount]
    assert (purse.output in exact) if exact else (purse.output is None)
    assert len(purse.others) == len(here) - (purse.output is not None)
    assert purse.complete == any(output.confirmations >= 1 for output in exact)
    assert str(purse).startswith(f"{terms.escrow.purse.value} escrow: ")
