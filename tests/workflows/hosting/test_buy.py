"""Buying hosting from servers that change their minds, take more than was said, or never credit anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from rein.errors import RefusedError, RemoteError, ServerLiedError
from rein.remote.responses import Hosting
from rein.store.tables.servers import ServerRow
from rein.workflows.hosting.buy import Bill, Quote, buy_from_balance, order_hosting, prepare, wait_for_credit
from rein.workflows.session import Session
from tests.support.evil_server import EvilServer
from tests.workflows.conftest import Sit

ADDRESSES = (
    "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry",
)


class Shop:
    """A server that sells; what a test changes of it."""

    def __init__(self, evil: EvilServer) -> None:
        self.url = evil.url
        self.price = 50_000
        self.asked_price = 50_000
        self.balance: Any = 0
        self.buckets: list[dict[str, Any]] = []
        self.orders = 0
        self.refusal: dict[str, Any] | None = None
        self.until: Any = int(time.time()) + 7 * 86_400
        self.spent: list[int] = []
        evil.bend = self._answer

    def grant(self, number: int) -> None:
        self.buckets.append({"id": number, "created": 1, "expires": 9, "bytes_free": 5, "transfer_free": 6})

    def _answer(self, path: str, asked: dict[str, Any], honest: Any) -> Any:
        if path == "v1/status":
            return {**honest, "price_sat": self.price}
        if path == "v1/buckets":
            return {"buckets": self.buckets}
        if path == "buy":
            self.orders += 1
            return {
                "result": "success",
                "price": str(self.asked_price),
                "address": ADDRESSES[self.orders % 2],
                "buckets": self.buckets,
                "price_until": self.until,
            }
        if path == "v1/balance":
            return {"balance_sat": self.balance}
        if path == "v1/buy":
            if self.refusal:
                return {"error": self.refusal}
            self.spent.append(asked["price_sat"])
            self.balance -= asked["price_sat"]
            self.grant(len(self.buckets) + 1)
            return {"price_sat": asked["price_sat"], "balance_sat": self.balance, "buckets": []}
        return honest


@pytest.fixture
def shop(evils: Callable[[], EvilServer]) -> Shop:
    return Shop(evils())


def known(session: Session, shop: Shop) -> Session:
    """Somebody who has an account there."""
    session.store.servers.set(session.identity.id, ServerRow(shop.url, 0, 0))
    return session


def bill_of(session: Session, quote: Quote, *, again: bool = False) -> Bill:
    bill = order_hosting(session, quote, again=again)
    assert isinstance(bill, Bill)
    return bill


def test_who_comes_back_waits_for_the_same_order(sit: Sit, shop: Shop) -> None:
    session = sit()
    bill = bill_of(session, prepare(session, shop.url))
    assert (bill.amount, bill.price, bill.address) == (50_000, 50_000, ADDRESSES[1])
    shop.asked_price = 60_000
    again = sit()
    quote = prepare(again, shop.url)
    assert (bill_of(again, quote), shop.orders) == (bill, 1), "the price of an order is held"
    assert bill_of(again, quote, again=True).price == 60_000
    assert shop.orders == 2


def test_an_order_whose_price_is_held_no_longer_is_made_again(
    sit: Sit, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sit()
    bill = bill_of(session, prepare(session, shop.url))
    assert bill.until == shop.until, "as the server says it"
    monkeypatch.setattr("time.time", lambda: shop.until)
    bill_of(session, prepare(session, shop.url))
    assert shop.orders == 2


@pytest.mark.parametrize("until", [None, "soon", -1, 1.5, True, 10**18, [], {}], ids=repr)
def test_a_time_that_is_none_is_not_promised_to_anybody(sit: Sit, shop: Shop, until: object) -> None:
    shop.until = until
    session = sit()
    assert bill_of(session, prepare(session, shop.url)).until == 0


def test_from_the_balance_no_price_is_held(sit: Sit, shop: Shop) -> None:
    shop.balance = 20_000
    session = known(sit(), shop)
    assert bill_of(session, prepare(session, shop.url)).until == 0


def test_what_was_credited_while_nobody_waited_is_not_ordered_twice(sit: Sit, shop: Shop) -> None:
    shop.grant(7)
    session = sit()
    bill = bill_of(session, prepare(session, shop.url))
    shop.buckets.clear()  # the old one ended,
    shop.grant(8)  # and another came
    quote = prepare(session, shop.url)
    assert quote.credited is not None
    assert (quote.credited.address, quote.order) == (bill.address, None)
    assert prepare(session, shop.url).credited is None, "it is told once"


def test_the_payment_is_waited_for_through_an_outage(sit: Sit, shop: Shop) -> None:
    session = sit()
    quote = prepare(session, shop.url)
    bill = bill_of(session, quote)
    told: list[str] = []
    session.note = told.append
    slept: list[float] = []

    def pay(seconds: float) -> None:
        slept.append(seconds)
        shop.buckets = 5  # type: ignore[assignment]  # which is no list, so the client has trouble
        if len(slept) == 3:
            shop.buckets = []
            shop.grant(1)

    credited = wait_for_credit(session, quote, bill, 60, pay)
    assert credited is not None
    assert (credited.buckets, len(slept), len(told)) == (1, 3, 1), "the same trouble is told once"
    assert session.store.hosting_orders.get(1, shop.url) is None
    assert session.store.servers.of_identity(1)[0].bytes_free == 5


def test_a_server_that_never_credits_is_waited_for_no_longer_than_said(sit: Sit, shop: Shop) -> None:
    session = sit()
    quote = prepare(session, shop.url)
    bill = bill_of(session, quote)
    assert wait_for_credit(session, quote, bill, -1) is None
    assert session.store.hosting_orders.get(1, shop.url) is not None


def test_a_balance_is_spent_at_the_price_that_was_shown(sit: Sit, shop: Shop) -> None:
    shop.balance = 120_000
    session = known(sit(), shop)
    quote = prepare(session, shop.url)
    assert (quote.is_covered, quote.balance) == (True, 120_000)
    shop.price = 99_000
    hosting, left = buy_from_balance(session, quote)
    assert (hosting.buckets, left, shop.spent) == (1, 70_000, [50_000])


def test_a_server_that_wants_more_than_was_signed_is_refused(sit: Sit, shop: Shop) -> None:
    shop.balance = 120_000
    session = known(sit(), shop)
    quote = prepare(session, shop.url)
    shop.refusal = {"code": "price_changed", "message": "the price is 99000 sat, and not 50000"}
    with pytest.raises(RefusedError, match="99000"):
        buy_from_balance(session, quote)
    assert shop.spent == []


def test_what_is_missing_is_paid_and_the_rest_comes_from_the_balance(sit: Sit, shop: Shop) -> None:
    shop.balance = 20_000
    session = known(sit(), shop)
    quote = prepare(session, shop.url)
    assert not quote.is_covered
    bill = bill_of(session, quote)
    assert (bill.amount, bill.price, bill.balance) == (30_000, 50_000, 20_000)

    def pay(_: float) -> None:
        shop.balance += 15_000

    credited = wait_for_credit(session, quote, bill, 60, pay)
    assert credited is not None
    assert shop.spent == [50_000]


@pytest.mark.parametrize(("balance", "amount"), [(-10_000, 60_000), (49_900, 546), (0, 50_000)])
def test_debts_are_paid_and_dust_is_not_asked_for(sit: Sit, shop: Shop, balance: int, amount: int) -> None:
    shop.balance = balance
    session = known(sit(), shop)
    assert bill_of(session, prepare(session, shop.url)).amount == amount


@pytest.mark.parametrize("balance", [None, "5", 1.5, True, 10**16, -(10**16)], ids=repr)
def test_a_balance_is_an_amount(sit: Sit, shop: Shop, balance: object) -> None:
    shop.balance = balance
    with pytest.raises(ServerLiedError, match="not an amount"):
        prepare(known(sit(), shop), shop.url)


def test_who_has_no_account_is_asked_for_no_keys(sit: Sit, shop: Shop) -> None:
    session = sit()
    assert prepare(session, shop.url).balance is None
    assert "keyring" not in vars(session)


def test_an_answer_that_is_lost_is_said_to_be(sit: Sit, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.balance = 50_000
    session = known(sit(), shop)
    quote = prepare(session, shop.url)

    def lost(*_: object) -> int:
        raise RemoteError("it takes longer than 120 seconds to answer")

    monkeypatch.setattr("rein.remote.causeway.Causeway.buy_from_balance", lost)
    with pytest.raises(RemoteError, match="whether a bucket was bought is not known"):
        buy_from_balance(session, quote)


def test_what_costs_nothing_is_had_at_once(sit: Sit, evils: Callable[[], EvilServer]) -> None:
    evil, session = evils(), sit()
    had = order_hosting(session, prepare(session, evil.url))
    assert isinstance(had, Hosting)
    assert had.buckets == 1
