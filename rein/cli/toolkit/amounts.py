"""Numbers and amounts as people type them: read exactly, or refused with the reason. An amount far from usual is not
believed at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rein.btc.amounts import COIN, DUST_LIMIT, MAX_MONEY, Sat, sat
from rein.btc.feerate import Feerate, from_sat_per_kvb
from rein.cli.toolkit.units import amount
from rein.errors import InputError
from rein.lazy import lazy

if TYPE_CHECKING:
    from rein.cli.console.terminal import Terminal
    from rein.protocol import values as protocol_values
    from rein.protocol.values import BasisPoints
else:
    protocol_values = lazy("rein.protocol.values")

UNUSUAL = Sat(10 * COIN)
"""So much, or more, is more often a number of satoshis than of bitcoin."""
MAX_FEERATE: Final = 1_000_000_000
"""sat/kvB; no fee is as high, and an int of this size goes through every calculation."""

_UNITS: Final = {"btc": 8, "mbtc": 5, "sat": 0, "sats": 0}
"""How many decimals an amount has in each."""
_AMOUNT = re.compile(r"(0|[1-9][0-9]*(?:_[0-9]+)*)?(?:\.([0-9]+))?\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_DECIMAL = re.compile(r"([0-9]{1,9})?(?:\.([0-9]{1,9}))?", re.ASCII)
_POINT = "The decimal separator is a point"


def parse_amount(text: str) -> tuple[Sat, bool]:
    """An amount of bitcoin that somebody typed, and whether it names its unit: `0.015`, `.015`, `0.015 BTC`,
    `15 mBTC`, `1500000 sat`, `1_500_000 sat`.

    :raises InputError: it is not one.
    """
    given = text.strip()
    if "," in given:
        raise InputError(
            f"{given[:40]!r} is not an amount of bitcoin",
            hint=f"{_POINT}: 0.015. Thousands may be separated by _: 1_500_000 sat",
        )
    match = _AMOUNT.fullmatch(given)
    unit = (match[3].lower() if match else "") or "btc"
    if match is None or unit not in _UNITS or (match[1] is None and match[2] is None) or len(given) > 40:
        raise InputError(
            f"{given[:40]!r} is not an amount of bitcoin",
            hint="Write a number of bitcoin such as 0.015, or name the unit: 15 mBTC, 1500000 sat",
        )
    whole, decimals, most = (match[1] or "0").replace("_", ""), match[2] or "", _UNITS[unit]
    if len(decimals) > most:
        wanted = f"has at most {most} decimals" if most else "is a whole number"
        raise InputError(f"{given[:40]!r}: an amount in {match[3] or 'BTC'} {wanted}", hint="One BTC is 100000000 sat.")
    found = int(whole + decimals.ljust(most, "0"))
    if found > MAX_MONEY:
        raise InputError(f"{given[:40]!r} is more than the 21,000,000 BTC that will ever be")
    return sat(found), bool(match[3])


def typed_amount(terminal: Terminal, text: str, what: str) -> Sat:
    """An amount of bitcoin that somebody typed, as `parse_amount`.

    One of 10 BTC or more, or of less than the network carries, is repeated in both units and asked about, unless it
    has its unit; nothing at all is an amount too.

    :param what: whose it is, such as "your price".
    :raises InputError: it is not one; or it is not meant, or nobody is there to say so.
    """
    given = text.strip()
    found, has_unit = parse_amount(given)
    if has_unit or found == 0 or DUST_LIMIT <= found < UNUSUAL:
        return found
    said = f"{what} would be {amount(found)}"
    if terminal.assume_yes or not terminal.interactive:
        hint = f"If it is meant, name the unit: {given}btc. If these are satoshis: {given}sat"
        raise InputError(f"{said}, which is unusual", hint=hint if "." not in given else hint.partition(". If")[0])
    terminal.note(f"{said[0].upper()}{said[1:]}.", vital=True)
    if not terminal.agrees("That is unusual. Is it meant", "--yes"):
        satoshis = "" if "." in given else f"; if these are satoshis, type {given}sat"
        raise InputError(f"the amount {given} was not meant{satoshis}")
    return found


def number(text: str, what: str) -> int:
    """A whole number somebody typed.

    :raises InputError: it is not one.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"{what} must be a whole number, not {text[:20]!r}")
    return int(text)


def feerate_per_kvb(text: str) -> int:
    """A fee rate somebody typed in sat/vB, such as `12` or `1.5`, in sat/kvB: exact, so at most 3 decimals.

    :raises InputError: it is not one, or zero.
    """
    found = _thousandths(text, "the fee rate")
    if found == 0:
        raise InputError("the fee rate must be more than 0 sat/vB", hint="Leave --feerate out for what is usual now.")
    if found > MAX_FEERATE:
        raise InputError(f"the fee rate must be at most {MAX_FEERATE // 1_000:,} sat/vB, not {text[:20]!r}")
    return found


def feerate(text: str | None) -> Feerate | None:
    """A fee rate somebody typed, in sat/vB, as `feerate_per_kvb`.

    :raises InputError: it is not one, or zero.
    """
    return None if text is None else from_sat_per_kvb(feerate_per_kvb(text))


def _thousandths(text: str, what: str) -> int:
    match = _DECIMAL.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        hint = f"{_POINT}: 1.5" if "," in text else "Such as 12 or 1.5"
        raise InputError(f"{what} must be a number, not {text[:20]!r}", hint=hint)
    decimals = (match[2] or "").rstrip("0")
    if len(decimals) > 3:
        raise InputError(f"{what} has at most 3 decimals, not as many as {text[:20]!r}")
    return int((match[1] or "0") + decimals.ljust(3, "0"))


def fee_points(text: str) -> BasisPoints:
    """A fee somebody typed: 1, 1.5 or 1.5%.

    :raises InputError: it is not one.
    """
    given = text.strip().rstrip("%").strip()
    if "," in given:
        raise InputError(
            f"the mediator's fee: {text[:20]!r} is not a percentage", hint="The decimal separator is a point: 1.5"
        )
    if _DECIMAL.fullmatch(given) is None:
        raise InputError(
            f"the mediator's fee: {text[:20]!r} is not a percentage", hint="A number of percent, such as 1 or 1.5"
        )
    try:
        return protocol_values.fee_percent(f"{given if '.' in given else given + '.0'}%")
    except ValueError as error:
        raise InputError(f"the mediator's fee: {error}", hint="A number of percent, such as 1 or 1.5") from error
