"""Amounts of money: always an int of satoshis, never a float. One bitcoin is 100,000,000 satoshis."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NewType

from rein.errors import InputError

Sat = NewType("Sat", int)

COIN: Final = 100_000_000
DECIMALS: Final = 8
MAX_MONEY: Final = Sat(21_000_000 * COIN)

# Bitcoin Core's policy for P2PKH (the costliest standard output to spend): anything below is not relayed.
DUST_LIMIT: Final = Sat(546)

# No leading zeros: "010" is more likely a lost decimal point than ten bitcoins.
_BTC = re.compile(r"(0|[1-9][0-9]{0,7})(?:\.([0-9]{1,8}))?")


def sat(value: int) -> Sat:
    """`value` satoshis, checked to be an int in 0..MAX_MONEY. InputError otherwise (a bool is refused)."""
    if type(value) is not int:
        raise InputError(f"an amount is a whole number of satoshis, not {type(value).__name__}")
    if not 0 <= value <= MAX_MONEY:
        raise InputError("an amount is between 0 and 21,000,000 bitcoin")
    return Sat(value)


def parse_btc(text: str) -> Sat:
    """Satoshis from a plain decimal number of bitcoin such as "0.015". Exact or InputError.

    Only ASCII digits and one point with digits on both sides: no sign, exponent, space, separator or leading
    zero, and at most 8 decimals.
    """
    match = _BTC.fullmatch(text)
    if match is None:
        raise InputError(
            f"{text[:40]!r} is not an amount of bitcoin",
            hint="write a plain number with at most 8 decimals, such as 0.015",
        )
    whole, decimals = match.group(1), match.group(2) or ""
    return sat(int(whole) * COIN + int(decimals.ljust(DECIMALS, "0")))


def format_btc(amount: Sat) -> str:
    """Bitcoin with exactly 8 decimals: the one spelling `parse_btc` gives back unchanged."""
    whole, decimals = divmod(sat(amount), COIN)
    return f"{whole}.{decimals:08d}"


def sat_from_decimal(value: Decimal) -> Sat:
    """Satoshis from a number of bitcoin as JSON-RPC gives it. Exact or InputError: nothing is rounded."""
    # Sign and range first, exponent next: 1E+999999 or 1E-999999 must not become a huge integer below.
    if not value.is_finite() or value.is_signed() or value > MAX_MONEY // COIN:
        raise InputError("an amount is between 0 and 21,000,000 bitcoin")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -4 * DECIMALS:
        raise InputError("an amount of bitcoin has at most 8 decimals")
    numerator, denominator = value.as_integer_ratio()
    satoshis, remainder = divmod(numerator * COIN, denominator)
    if remainder:
        raise InputError("an amount of bitcoin has at most 8 decimals")
    return sat(satoshis)
