"""An amount that is far from usual is repeated and asked about; a script names its unit."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rein.btc.amounts import COIN, DUST_LIMIT, MAX_MONEY, Sat, format_btc
from rein.btc.feerate import from_sat_per_kvb
from rein.cli.common import feerate
from rein.cli.console.terminal import Terminal
from rein.cli.toolkit.amounts import UNUSUAL, fee_points, feerate_per_kvb, typed_amount
from rein.errors import InputError
from tests.cli.console.test_keyboard import asking
from tests.support.screen import ENTER, ended

AMOUNTS = st.integers(0, MAX_MONEY).map(Sat)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))


@given(amount=AMOUNTS)
@example(Sat(0))
@example(DUST_LIMIT)
@example(Sat(DUST_LIMIT - 1))
@example(UNUSUAL)
@example(Sat(UNUSUAL - 1))
def test_with_its_unit_every_amount_is_taken_at_its_word(amount: Sat) -> None:
    btc = format_btc(amount)
    milli = f"{amount // 100_000}.{amount % 100_000:05} mBTC"
    for text in (f"{amount}sat", f" {amount} sats ", f"{amount:_} SAT", f"{btc}btc", f"{btc} BTC", milli):
        assert typed_amount(Terminal(), text, "your price") == amount


@given(amount=AMOUNTS, assume_yes=st.booleans())
@example(Sat(0), True)
@example(DUST_LIMIT, False)
@example(Sat(DUST_LIMIT - 1), True)
@example(Sat(UNUSUAL - 1), False)
@example(UNUSUAL, True)
def test_without_one_an_unusual_amount_is_refused_where_nobody_is_asked(amount: Sat, assume_yes: bool) -> None:
    """`--yes` agrees to what is shown, and nothing was shown yet when the script was written."""
    usual = amount == 0 or DUST_LIMIT <= amount < UNUSUAL
    terminal = Terminal(assume_yes=assume_yes)
    if usual:
        assert typed_amount(terminal, format_btc(amount), "your price") == amount
        return
    with pytest.raises(InputError, match="your price would be") as caught:
        typed_amount(terminal, format_btc(amount), "your price")
    assert f"({amount:,} sat)" in caught.value.message
    assert f"{format_btc(amount)}btc" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "satoshis"),
    [("0.015", 1_500_000), (".015", 1_500_000), ("0.015 BTC", 1_500_000), ("15 mBTC", 1_500_000), ("0", 0)],
)
def test_as_people_type_them(text: str, satoshis: int) -> None:
    assert typed_amount(Terminal(), text, "your price") == satoshis


@pytest.mark.parametrize("text", ["0,015", "1,500,000 sat", "0,015 BTC"])
def test_a_comma_is_explained(text: str) -> None:
    with pytest.raises(InputError, match="is not an amount") as caught:
        typed_amount(Terminal(), text, "your price")
    assert "The decimal separator is a point" in str(caught.value.hint)


def test_satoshis_taken_for_bitcoin() -> None:
    with pytest.raises(InputError, match=r"1500000\.00000000 BTC \(150,000,000,000,000 sat\)") as caught:
        typed_amount(Terminal(assume_yes=True), "1500000", "your price")
    assert caught.value.hint == "If it is meant, name the unit: 1500000btc. If these are satoshis: 1500000sat"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sat",
        "btc",
        "1.5sat",
        "1,500sat",
        "-1sat",
        "1e3sat",
        "0x10sat",
        "1..5btc",
        "\N{ARABIC-INDIC DIGIT ONE}sat",
        "1satoshi",
        ".",
        ". sat",
        "010",
        "1__0 sat",
        "_1 sat",
        "1_ sat",
        "0.0000000001 mBTC",
        "21000000.00000001",
        "9" * 17 + "sat",
    ],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(InputError):
        typed_amount(Terminal(), text, "your price")


ASK = "from rein.cli.toolkit.amounts import typed_amount; ANSWER = typed_amount(terminal, {!r}, 'your price')"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_person_is_asked() -> None:
    with asking(ASK.format("1500000"), ASK.format("0.015")) as child:
        child.expect(r"Your price would be 1500000.00000000 BTC \(150,000,000,000,000 sat\).")
        child.expect("That is unusual. Is it meant .y/N.: ")
        child.send("y" + ENTER)
        child.expect(str(1_500_000 * COIN))
        child.expect("GOT 1500000\r")
    with asking(ASK.format("1500000")) as child:
        child.expect("Is it meant .y/N.: ")
        child.send(ENTER)
        code, told = ended(child)
    assert (code, "was not meant" in told) == (1, True)


def test_a_fee_rate_of_nothing_is_not_taken_for_none_given() -> None:
    assert feerate(None) is None
    assert feerate("1.5") == from_sat_per_kvb(1_500)
    for text in ("0", "000", "-1", "1,5", ""):
        with pytest.raises(InputError, match="the fee rate must be"):
            feerate(text)


@pytest.mark.parametrize(
    ("text", "per_kvb"), [("1", 1_000), ("1.5", 1_500), (" .25 ", 250), ("0.001", 1), ("12.3450", 12_345)]
)
def test_a_fee_rate_is_exact(text: str, per_kvb: int) -> None:
    assert feerate_per_kvb(text) == per_kvb


@pytest.mark.parametrize(
    "text", ["0", "0.000", "", ".", "-1", "1,5", "1e3", "0.0005", "1000001", "\N{FULLWIDTH DIGIT ONE}"]
)
def test_a_fee_rate_that_is_not_one(text: str) -> None:
    with pytest.raises(InputError, match="the fee rate"):
        feerate_per_kvb(text)


@pytest.mark.parametrize(("text", "points"), [("1", 100), ("1.5%", 150), ("0.01 %", 1), ("100", 10_000)])
def test_a_fee_in_percent(text: str, points: int) -> None:
    assert fee_points(text) == points


@pytest.mark.parametrize("text", ["150", "0", "1,5", "", "a", "1.555"])
def test_a_fee_that_is_not_one(text: str) -> None:
    with pytest.raises(InputError, match="the mediator's fee"):
        fee_points(text)
