"""GET /price, /buy, /address and /balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response, request

from causeway.api.operations import operation, read_query
from causeway.api.responses import success
from causeway.api.shapes import About, Address, Also, Text, as_json
from causeway.auth.nonces import NonceMint
from causeway.db.engine import Database
from causeway.hosting.service import FreeTerms
from causeway.hosting.views import Bucket, HostingRequest, grant_free, shown_buckets
from causeway.payments.service import Claim, Payments, balance_of, not_for_sale
from rein.protocol.limits import MAX_CONTACT

Short = Annotated[str, Text(200)]
"""A nonce or a signature: the exact lengths are checked where they are used."""

Account = Annotated[str, Address(), Also(("owner",))]
Signer = Annotated[str | None, Address(may_be_empty=True), About("Who signed, if it was the owner's delegate.")]


@dataclass(frozen=True, kw_only=True)
class PriceAnswer:
    status: str
    result: str
    price: int


@dataclass(frozen=True, kw_only=True)
class BuyAnswer:
    """`address` is where the price may be paid; where hosting is free there is none."""

    status: str
    result: str
    price: str
    buckets: list[Bucket]
    address: str | None = None
    price_until: Annotated[
        int | None,
        About("Seconds since 1970: the price is for who has paid all of it in blocks up to then, and today's after."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class AddressRequest:
    """What `/address` takes. Signed is contact + address, or with a comma between them; + nonce to change a contact."""

    address: Account
    contact: Annotated[str, Text(MAX_CONTACT)]
    signature: Short
    signature_address: Signer = None
    nonce: Annotated[str | None, Text(200)] = None


@dataclass(frozen=True, kw_only=True)
class AddressAnswer:
    status: str
    result: str
    address: str


@dataclass(frozen=True, kw_only=True)
class BalanceRequest:
    """What `/balance` takes. Signed is address + nonce."""

    address: Account
    nonce: Short
    signature: Short
    signature_address: Signer = None


@dataclass(frozen=True, kw_only=True)
class BalanceAnswer:
    status: str
    result: str
    balance: int


def blueprint(
    database: Database,
    mint: NonceMint,
    payments: Payments | None,
    free: FreeTerms,
    subnet_of_caller: Callable[[], str | None],
) -> Blueprint:
    """`payments` is None where hosting is free."""
    views = Blueprint("payments", __name__)

    @views.get("/price")
    @operation(answers=PriceAnswer)
    def price() -> Response:
        """Satoshis for 1 MB of storage and 50 MB of transfer for a year."""
        return success({"price": payments.price if payments else 0})

    @views.get("/buy")
    @operation(takes=HostingRequest, answers=BuyAnswer)
    def buy() -> Response:
        """A bucket and where to pay it: owner, delegate, contact."""
        asked = read_query(HostingRequest, request)
        subnet = subnet_of_caller()
        if payments is None:
            return grant_free(database, free, subnet, asked.owner, asked.delegate, asked.contact, price="0")
        found = payments.order(asked.owner, delegate=asked.delegate, contact=asked.contact or None, subnet=subnet)
        # `price` is the order's own, as long as it is held; numbers are text, as clients of 2016 know them.
        shown = {"buckets": as_json(shown_buckets(found.buckets)), "price": str(found.order.price)}
        until = int(found.order.until.timestamp())
        return success({**shown, "address": found.order.address, "price_until": until})

    @views.get("/address")
    @operation(takes=AddressRequest, answers=AddressAnswer)
    def address() -> Response:
        """An address that fills the owner's balance: contact, address, signature."""
        asked = read_query(AddressRequest, request)
        if payments is None:
            raise not_for_sale()
        claim = Claim(asked.signature_address or asked.address, asked.nonce or "", asked.signature)
        return success({"address": payments.address(asked.address, asked.contact, claim, subnet=subnet_of_caller())})

    @views.get("/balance")
    @operation(takes=BalanceRequest, answers=BalanceAnswer)
    def balance() -> Response:
        """Satoshis left on the account: address, nonce, signature."""
        asked = read_query(BalanceRequest, request)
        claim = Claim(asked.signature_address or asked.address, asked.nonce, asked.signature)
        return success({"balance": balance_of(database, mint, asked.address, claim)})

    return views
