"""How much of a price somebody gets, as people type it."""

from __future__ import annotations

import re
from fractions import Fraction

from rein.btc.amounts import Sat
from rein.cli.common import Cli
from rein.cli.toolkit.amounts import typed_amount
from rein.cli.toolkit.units import amount as amount_of
from rein.errors import InputError, OrderError
from rein.protocol.orders import Order

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%")
_WORDS = {"all": Fraction(1), "nothing": Fraction(0)}


def price_of(order: Order) -> Sat:
    """:raises OrderError: there is no offer that counts."""
    if order.bid is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts")
    return order.bid.document.amount


def award_prompt(order: Order) -> str:
    """What to ask for, and of how much."""
    return f"Of {amount_of(price_of(order))}, the worker gets (all, nothing, 50% or an amount)"


def read_award(cli: Cli, order: Order, text: str, whose: str = "the worker's part") -> Sat:
    """An amount, or a part of the price: `all`, `nothing`, `50%`. Of a part, fractions of a satoshi are left out.

    :raises InputError: it is not one, or more than the price.
    """
    price, given = price_of(order), text.strip().lower()
    part = _part(given)
    found = typed_amount(cli.terminal, text, whose) if part is None else Sat(int(price * part))
    if found > price:
        raise InputError(f"{found:,} sat are more than the price of {price:,} sat")
    return found


def _part(given: str) -> Fraction | None:
    percent = _PERCENT.fullmatch(given)
    return Fraction(percent[1]) / 100 if percent else _WORDS.get(given)
