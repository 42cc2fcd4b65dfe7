"""Amounts as people type them: what is far from usual is not believed at once."""

from __future__ import annotations

import re

from rein.btc.amounts import COIN, DUST_LIMIT, Sat, parse_btc, sat
from rein.cli.toolkit.terminal import Terminal
from rein.cli.toolkit.units import amount
from rein.errors import InputError

UNUSUAL = Sat(10 * COIN)
"""So much, or more, is more often a number of satoshis than of bitcoin."""

_WITH_UNIT = re.compile(r"([0-9.]+)\s*(btc|sats?)", re.IGNORECASE)


def typed_amount(terminal: Terminal, text: str, what: str) -> Sat:
    """An amount of bitcoin that somebody typed: `0.015`, or with its unit, `0.015btc` or `1500000sat`.

    One of 10 BTC or more, or of less than the network carries, is repeated in both units and asked about, unless it
    has its unit; nothing at all is an amount too.

    :param what: whose it is, such as "your price".
    :raises InputError: it is none; or it is not meant, or nobody is there to say so.
    """
    given = text.strip()
    match = _WITH_UNIT.fullmatch(given)
    if match is not None:
        return parse_btc(match[1]) if match[2].lower() == "btc" else _whole(match[1], given)
    found = parse_btc(given)
    if found == 0 or DUST_LIMIT <= found < UNUSUAL:
        return found
    said = f"{what} would be {amount(found)}"
    if terminal.assume_yes or not terminal.interactive:
        hint = f"If it is meant, name the unit: {given}btc. If these are satoshis: {given}sat"
        raise InputError(f"{said}, which is unusual", hint=hint if "." not in given else hint.partition(". If")[0])
    terminal.note(f"{said[0].upper()}{said[1:]}.", vital=True)
    if not terminal.agrees("That is unusual. Is it meant", "--yes"):
        satoshis = "" if "." in given else f"; if these are satoshis, type {given}sat"
        raise InputError(f"the amount {given} was not meant{satoshis}", hint="Nothing was done: start again.")
    return found


def _whole(digits: str, given: str) -> Sat:
    if not digits.isdigit() or len(digits) > 16:
        raise InputError(f"{given[:40]!r} is no whole number of satoshis", hint="Such as 1500000sat")
    return sat(int(digits))
