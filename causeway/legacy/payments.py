"""GET /price, /buy, /address and /balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response

from causeway.api.operations import operation, read_query
from causeway.api.responses import success
from causeway.api.shapes import Address, Doc, Synonyms, Text, as_json
from causeway.api.subnets import this_subnet
from causeway.legacy.claims import Claim, balance_of, deposit_address
from causeway.legacy.hosting import LegacyBucket, LegacyHostingRequest, grant_free, shown_buckets
from causeway.legacy.values import Short
from causeway.payments.service import seller
from causeway.services import services
from rein.protocol.limits import MAX_CONTACT

views = Blueprint("legacy_payments", __name__)

Account = Annotated[str, Address(), Synonyms(("owner",))]
Signer = Annotated[str | None, Address(may_be_empty=True), Doc("Who signed, if it was the owner's delegate.")]


@dataclass(frozen=True, kw_only=True)
class LegacyPrice:
    status: str
    result: str
    price: int


@dataclass(frozen=True, kw_only=True)
class LegacyPurchase:
    """`address` is where the price may be paid; where hosting is free there is none."""

    status: str
    result: str
    price: str
    buckets: list[LegacyBucket]
    address: str | None = None
    price_until: Annotated[
        int | None,
        Doc("Seconds since 1970: the price is for who has paid all of it in blocks up to then, and today's after."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class LegacyAddressRequest:
    """What `/address` takes. Signed is contact + address, or with a comma between them; + nonce to change a contact."""

    address: Account
    contact: Annotated[str, Text(MAX_CONTACT)]
    signature: Short
    signature_address: Signer = None
    nonce: Annotated[str | None, Text(200)] = None


@dataclass(frozen=True, kw_only=True)
class LegacyAddress:
    status: str
    result: str
    address: str


@dataclass(frozen=True, kw_only=True)
class LegacyBalanceRequest:
    """What `/balance` takes. Signed is address + nonce."""

    address: Account
    nonce: Short
    signature: Short
    signature_address: Signer = None


@dataclass(frozen=True, kw_only=True)
class LegacyBalance:
    status: str
    result: str
    balance: int


@views.get("/price")
@operation(answers=LegacyPrice)
def price() -> Response:
    """Satoshis for 1 MB of storage and 50 MB of transfer for a year."""
    payments = services().payments
    return success({"price": payments.price if payments else 0})


@views.get("/buy")
@operation(takes=LegacyHostingRequest, answers=LegacyPurchase)
def buy() -> Response:
    """A bucket and where to pay it: owner, delegate, contact."""
    asked = read_query(LegacyHostingRequest)
    payments = services().payments
    if payments is None:
        return grant_free(asked, price="0")
    found = payments.open_purchase(
        asked.owner, delegate=asked.delegate, contact=asked.contact or None, subnet=this_subnet()
    )
    # `price` is the purchase's own, as long as it is held; numbers are text, as legacy clients know them.
    shown = {"buckets": as_json(shown_buckets(found.buckets)), "price": str(found.purchase.price)}
    until = int(found.purchase.until.timestamp())
    return success({**shown, "address": found.purchase.address, "price_until": until})


@views.get("/address")
@operation(takes=LegacyAddressRequest, answers=LegacyAddress)
def address() -> Response:
    """An address that fills the owner's balance: contact, address, signature."""
    asked = read_query(LegacyAddressRequest)
    payments = seller(services().payments)
    claim = Claim(asked.address, asked.signature_address or asked.address, asked.nonce or "", asked.signature)
    return success({"address": deposit_address(payments, claim, asked.contact, this_subnet())})


@views.get("/balance")
@operation(takes=LegacyBalanceRequest, answers=LegacyBalance)
def balance() -> Response:
    """Satoshis left on the account: address, nonce, signature."""
    asked = read_query(LegacyBalanceRequest)
    claim = Claim(asked.address, asked.signature_address or asked.address, asked.nonce, asked.signature)
    return success({"balance": balance_of(claim)})
