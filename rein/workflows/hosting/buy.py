"""Buying hosting: from the balance of an identity at the server, or by paying to an address.

An order is stored before it is shown where to pay, so that whoever stops and comes back waits for the same one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rein.btc.amounts import DUST_LIMIT, Sat, format_btc
from rein.errors import RefusedError, RemoteError
from rein.remote.causeway import Causeway
from rein.remote.responses import Hosting
from rein.remote.transport import normal_url
from rein.store.tables.hosting_orders import HostingOrder
from rein.workflows.hosting.servers import check_network, remember
from rein.workflows.session import Session

_POLL_SECONDS = 5.0
_PRICE_CHANGED = "price_changed"
_NO_ACCOUNT, _NOT_DELEGATE = "unknown_owner", "not_delegate"


@dataclass(frozen=True)
class Quote:
    """What a bucket costs at a server, and what the identity has there. `price`: of today. `balance`: satoshis of the
    identity there; None where nobody was asked, for there is no account. `order` waits to be paid; `credited` is
    one that was paid since."""

    url: str
    price: Sat
    hosting: Hosting
    balance: int | None
    order: HostingOrder | None
    credited: HostingOrder | None

    @property
    def is_covered(self) -> bool:
        """Whether the balance pays for a bucket."""
        return self.price > 0 and self.balance is not None and self.balance >= self.price


@dataclass(frozen=True)
class Bill:
    """What is to be paid, and where. With a balance that covers a part of `price`, `amount` is the rest (or what is
    owed, too), and the bucket is bought from the balance, at `price`, as soon as it is there. `until`: the server holds
    the price for who has paid all of it in blocks up to then (seconds since 1970; 0: it does not say)."""

    address: str
    amount: Sat
    price: Sat
    balance: int
    time: int
    until: int

    @property
    def uri(self) -> str:
        """For wallets (BIP21)."""
        return f"bitcoin:{self.address}?amount={format_btc(self.amount)}"


def prepare(session: Session, url: str) -> Quote:
    """Ask what hosting costs, and what the identity has there. Only who has an account there already needs the keys.

    :raises InputError: no server address, or a server of another network.
    :raises RemoteError: the server cannot be reached or refuses.
    """
    normal = normal_url(url)
    is_known = any(row.url == normal for row in session.store.servers.of_identity(session.identity.id))
    server = session.server(normal)
    try:
        price = check_network(session, server).price
        hosting = server.buckets()
        balance = _balance(session, server, hosting) if price and is_known else None
    finally:
        server.close()
    order = session.store.hosting_orders.get(session.identity.id, normal)
    is_credited = order is not None and hosting.newest > order.newest
    if is_credited:
        _credited(session, normal, hosting)
    return Quote(normal, price, hosting, balance, None if is_credited else order, order if is_credited else None)


@dataclass(frozen=True)
class BuyResult:
    """What came of buying. `hosting` is what the identity has there now, if a bucket was credited; else the `bill` is
    to be paid. `left`: of the balance, where the bucket was paid from it."""

    quote: Quote
    hosting: Hosting | None = None
    bill: Bill | None = None
    left: int | None = None

    def json(self) -> dict[str, Any]:
        quote, bill, hosting = self.quote, self.bill, self.hosting or self.quote.hosting
        return {
            "url": quote.url,
            "price_sat": bill.price if bill else quote.price,
            "balance_sat": quote.balance if self.left is None else self.left,
            "from_balance": self.left is not None,
            "amount_sat": bill.amount if bill else None,
            "address": bill.address if bill else None,
            "uri": bill.uri if bill else None,
            "ordered": bill.time if bill else None,
            "price_until": (bill.until or None) if bill else None,
            "credited": self.hosting is not None,
            "buckets": hosting.buckets,
            "bytes_free": hosting.bytes_free,
        }


def commit(session: Session, quote: Quote, *, again: bool = False) -> BuyResult:
    """Buy a bucket at the quoted price: nothing where an order was credited since, from the balance where that covers
    it, else by an order that is to be paid.

    :param again: order, though an order was credited or waits to be paid.
    :raises RemoteError: the server cannot be reached or refuses.
    :raises ServerLiedError: it names no address of this network, or no price.
    """
    if quote.credited is not None and not again:
        return BuyResult(quote, quote.hosting)
    if quote.is_covered:
        hosting, left = buy_from_balance(session, quote)
        return BuyResult(quote, hosting, left=left)
    ordered = order_hosting(session, quote, again=again)
    return BuyResult(quote, bill=ordered) if isinstance(ordered, Bill) else BuyResult(quote, ordered)


def order_hosting(session: Session, quote: Quote, *, again: bool = False) -> Bill | Hosting:
    """What to pay for a bucket: by the order that waits, or a new one. What costs nothing is had at once.

    :param again: order, though an order waits to be paid.
    :raises RemoteError: the server cannot be reached or refuses.
    :raises ServerLiedError: it names no address of this network, or no price.
    """
    order = quote.order
    if order is None or again or not order.time <= time.time() < order.until:
        server = session.server(quote.url)
        try:
            purchase = server.buy(session.identity.contact)
        finally:
            server.close()
        if purchase.address is None:
            remember(session, quote.url, purchase.hosting)
            return purchase.hosting
        newest = max(quote.hosting.newest, purchase.hosting.newest)
        order = HostingOrder(quote.url, purchase.address, purchase.price, newest, int(time.time()), purchase.until)
        session.store.hosting_orders.set(session.identity.id, order)
        remember(session, quote.url, quote.hosting)
    balance = quote.balance or 0
    # Bought from the balance, a bucket costs what it does on that day: only what comes to its address pays the order.
    price, until = (quote.price, 0) if balance else (order.price, order.until)
    return Bill(order.address, Sat(max(price - balance, DUST_LIMIT)), price, balance, order.time, until)


def buy_from_balance(session: Session, quote: Quote) -> tuple[Hosting, int]:
    """Spend the balance on a bucket, at the price of `quote` and no other. Returns what the identity has then, and what
    is left of the balance.

    :raises RefusedError: it costs something else now, or the balance does not cover it.
    """
    server = session.server(quote.url)
    try:
        return _spend(session, server, quote.price)
    finally:
        server.close()


def wait_for_credit(
    session: Session, quote: Quote, bill: Bill, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Hosting | None:
    """Ask until the server has a bucket more than when it was ordered; None if it has not in that time. A server that
    does not answer for a while is asked again.

    :raises RefusedError: a bucket costs more now, and the balance is not spent on it.
    """
    deadline = time.monotonic() + seconds
    order = session.store.hosting_orders.get(session.identity.id, quote.url)
    newest = order.newest if order else quote.hosting.newest
    trouble = ""
    server = session.server(quote.url)
    try:
        while True:
            now = None
            try:
                now = _poll(session, server, bill, newest)
            except RemoteError as error:
                if getattr(error, "reason", "") == _PRICE_CHANGED:
                    raise
                if error.message != trouble:
                    session.note(f"{error.message}; it is asked again")
                trouble = error.message
            if now is not None:
                _credited(session, quote.url, now)
                return now
            if time.monotonic() > deadline:
                return None
            sleep(_POLL_SECONDS)
    finally:
        server.close()


def _poll(session: Session, server: Causeway, bill: Bill, newest: int) -> Hosting | None:
    now = server.buckets()
    if now.newest > newest:
        return now
    if bill.balance and server.balance(session.keyring.delegate) >= bill.price:
        return _spend(session, server, bill.price)[0]
    return None


def _spend(session: Session, server: Causeway, price: Sat) -> tuple[Hosting, int]:
    try:
        left = server.buy_from_balance(price, session.keyring.delegate)
    except RefusedError:
        raise
    except RemoteError as error:
        raise RemoteError(
            f"{error.message}; whether a bucket was bought is not known",
            hint="See your balance there before you buy again.",
        ) from error
    hosting = server.buckets()
    _credited(session, server.url, hosting)
    return hosting, left


def _balance(session: Session, server: Causeway, hosting: Hosting) -> int | None:
    try:
        return server.balance(session.keyring.delegate)
    except RefusedError as error:
        if error.reason not in (_NO_ACCOUNT, _NOT_DELEGATE):
            raise
        if hosting.buckets:
            session.note(f"{server.url} tells your balance once it has your enrollment")
        return None


def _credited(session: Session, url: str, hosting: Hosting) -> None:
    remember(session, url, hosting)
    session.store.hosting_orders.remove(session.identity.id, url)
