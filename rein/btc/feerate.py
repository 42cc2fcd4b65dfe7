"""Fee rates: what a miner gets for each virtual byte. Exact, as whole numbers or fractions; no float comes near."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from rein.btc.amounts import Sat

Feerate = int | Fraction
"""sat/vB."""


def fee_for(feerate: Feerate, vsize: int) -> Sat:
    """The least whole satoshis that reach a rate for so many virtual bytes."""
    return Sat(ceil(feerate * vsize))


def from_sat_per_kvb(rate: int) -> Feerate:
    """sat/vB, a whole number where it is one."""
    found = Fraction(rate, 1_000)
    return found.numerator if found.denominator == 1 else found


def format_feerate(feerate: Feerate) -> str:
    """A rate that somebody chose, with as many decimals as it has, three at most: `12`, `1.5`."""
    whole, thousandths = divmod(round(feerate * 1_000), 1_000)
    return f"{whole}.{thousandths:03}".rstrip("0").rstrip(".")


def format_rate(fee: Sat, vsize: int) -> str:
    """The rate that a fee comes to, with one decimal: `12.0`."""
    whole, tenths = divmod(round(Fraction(fee * 10, vsize)), 10)
    return f"{whole}.{tenths}"
