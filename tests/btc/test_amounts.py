from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import MAX_MONEY, Sat, format_btc, parse_btc, sat, sat_from_decimal
from rein.errors import InputError

AMOUNTS = st.integers(min_value=0, max_value=MAX_MONEY).map(Sat)


@given(AMOUNTS)
def test_format_and_parse_are_inverse(amount: Sat) -> None:
    text = format_btc(amount)
    assert text[-9] == "."
    assert parse_btc(text) == amount
    assert sat_from_decimal(Decimal(text)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("1", 100_000_000),
        ("0.1", 10_000_000),
        ("0.00000001", 1),
        ("20999999.99999999", MAX_MONEY - 1),
        ("21000000.00000000", MAX_MONEY),
    ],
)
def test_parse(text: str, amount: int) -> None:
    assert parse_btc(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "", ".", ".5", "1.", "0.123456789", "21000000.00000001", "99999999", "100000000", "+1", "-1", "-0", "1e3",
        "1E-8", "inf", "nan", " 1", "1 ", "1\n", "1_000", "1,5", "0x10", "01", "00.1", "\u0661", "1.\u0665", "\uff11",
        "\ud800", "9" * 5000,
    ],
)  # fmt: skip
def test_parse_refuses(text: str) -> None:
    with pytest.raises(InputError):
        parse_btc(text)


@pytest.mark.parametrize("value", [-1, MAX_MONEY + 1, True, False, 1.0, "1", None, Decimal(1)])
def test_sat_refuses(value: object) -> None:
    with pytest.raises(InputError):
        sat(value)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        format_btc(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["0.1", "1E-8", "0.10000000000", "2.1E+7", "0", "0E-8"])
def test_decimal_is_exact(text: str) -> None:
    assert Decimal(sat_from_decimal(Decimal(text))) == Decimal(text) * 100_000_000


@pytest.mark.parametrize(
    "text",
    ["1E-9", "0.123456785", "-1", "-0", "21000000.00000001", "1E+999999", "1E-999999999999", "Infinity", "NaN", "sNaN"],
)
def test_decimal_refuses(text: str) -> None:
    with pytest.raises(InputError):
        sat_from_decimal(Decimal(text))
