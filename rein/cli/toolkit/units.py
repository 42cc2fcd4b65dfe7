"""Sizes and amounts as people read them, with the exact number beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rein.btc.amounts import Sat, format_btc

if TYPE_CHECKING:
    from rein.workflows.orders.view import OrderView

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def amount(sats: Sat) -> str:
    """ "0.01500000 BTC (1,500,000 sat)" """
    return f"{format_btc(sats)} BTC ({sats:,} sat)"


def price(order: OrderView) -> str:
    """What a job costs, for tables in BTC: what was agreed on, or else the lowest bid, or else the budget."""
    if order.price is not None:
        return format_btc(order.price)
    if order.lowest_bid is not None:
        return f"from {format_btc(order.lowest_bid)}"
    return order.budget or "-"


def are(count: int) -> str:
    """ "1 is", "2 are" """
    return f"{count:,} {'is' if count == 1 else 'are'}"


def size(count: int) -> str:
    """ "2.1 MB (2,100,000 bytes)", in powers of a thousand; "512 bytes" below the first."""
    short = short_size(count)
    return short if count < 1_000 else f"{short} ({count:,} bytes)"


def short_size(count: int) -> str:
    """ "2.1 MB", for tables."""
    if count < 1_000:
        return f"{count:,} bytes"
    power = min((len(str(count)) - 1) // 3, len(_UNITS))
    tenths = count * 10 // 1_000**power  # rounded down: there is never less than it says
    return f"{tenths // 10:,}.{tenths % 10} {_UNITS[power - 1]}"
