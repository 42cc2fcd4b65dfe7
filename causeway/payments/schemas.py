"""Balances and purchases as the versioned API has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from causeway.api.shapes import About, Whole
from rein.btc.amounts import MAX_MONEY


@dataclass(frozen=True, kw_only=True)
class BalanceRequest:
    """Nothing: the headers say who asks."""


@dataclass(frozen=True, kw_only=True)
class BalanceAnswer:
    balance_sat: Annotated[int, About("Negative where a payment left the chain that was spent here already.")]


@dataclass(frozen=True, kw_only=True)
class BuyRequest:
    price_sat: Annotated[int, Whole(1, MAX_MONEY), About("What the owner agrees to pay.")]


@dataclass(frozen=True, kw_only=True)
class OwnedBucket:
    id: int
    expires: Annotated[str, About("In UTC, by RFC 3339.")]
    bytes_free: int
    transfer_free: int


@dataclass(frozen=True, kw_only=True)
class BuyAnswer:
    price_sat: int
    balance_sat: Annotated[int, About("What is left of the balance.")]
    buckets: list[OwnedBucket]
