"""POST /v1/balance and /v1/buy."""

from __future__ import annotations

from datetime import UTC

from flask import Response

from causeway.api.operations import operation, respond
from causeway.api.rates import limit_account
from causeway.hosting.service import BucketState
from causeway.payments.schemas import BalanceAnswer, BalanceRequest, BuyAnswer, BuyRequest, OwnedBucket
from causeway.payments.service import proved_balance, seller
from causeway.services import services
from causeway.v1.gate import admit, versioned

views = versioned("payments")


@views.post("/balance")
@operation(takes=BalanceRequest, answers=BalanceAnswer, signed=True)
def balance() -> Response:
    """The owner's satoshis."""
    proof, _ = admit(BalanceRequest)
    with limit_account(proof.owner):
        return respond(BalanceAnswer(balance_sat=proved_balance(services().database, proof)))


@views.post("/buy")
@operation(takes=BuyRequest, answers=BuyAnswer, signed=True)
def buy() -> Response:
    """A bucket paid from the owner's balance, at this price and no other."""
    proof, asked = admit(BuyRequest)
    payments = seller(services().payments)
    with limit_account(proof.owner):
        bought = payments.buy(proof, asked.price_sat)
    buckets = [_bucket(each) for each in bought.buckets]
    return respond(BuyAnswer(price_sat=bought.price, balance_sat=bought.balance, buckets=buckets))


def _bucket(state: BucketState) -> OwnedBucket:
    return OwnedBucket(
        id=state.id,
        expires=state.expires.astimezone(UTC).isoformat(timespec="seconds"),
        bytes_free=state.bytes_free,
        transfer_free=state.transfer_free,
    )
