"""Requests and answers about balances and purchases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from causeway.api.shapes import Doc, Integer
from rein.btc.amounts import MAX_MONEY


@dataclass(frozen=True, kw_only=True)
class BalanceRequest:
    """Nothing: the headers say who asks."""


@dataclass(frozen=True, kw_only=True)
class BalanceAnswer:
    balance_sat: Annotated[int, Doc("Negative where a payment left the chain that was spent here already.")]


@dataclass(frozen=True, kw_only=True)
class BuyRequest:
    price_sat: Annotated[int, Integer(1, MAX_MONEY), Doc("What the owner agrees to pay.")]


@dataclass(frozen=True, kw_only=True)
class OwnedBucket:
    id: int
    expires: Annotated[str, Doc("In UTC, by RFC 3339.")]
    bytes_free: int
    transfer_free: int


@dataclass(frozen=True, kw_only=True)
class BuyAnswer:
    price_sat: int
    balance_sat: Annotated[int, Doc("What is left of the balance.")]
    buckets: list[OwnedBucket]
