"""Deposit addresses and purchases, and what follows when money comes or goes. Always with the owner locked.

An order that nobody signed is paid by what came to its own address, and by nothing else: anybody may open one for any
owner, and must not be able to spend that owner's balance by it. What comes beyond the price, or to the address of an
order that is paid already, stays as balance; the owner spends it by a signed request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, insert, select, update

from causeway.accounts import service as accounts
from causeway.errors import RateLimitError
from causeway.hosting import service as hosting
from causeway.payments import ledger
from causeway.payments.models import deposit, purchase, receipt
from rein.btc.amounts import Sat
from rein.btc.receiving import ReceivingKey

MAX_OPEN_PURCHASES = 3
"""Orders of one owner that are not paid. Who asks for more is answered with the oldest again."""

ADDRESSES_A_DAY = 40
"""Deposit addresses given to one subnet: a wallet scans only so far ahead for payments (its gap limit)."""

PRICE_HELD = timedelta(days=7)
"""How long a purchase keeps its price, for an owner who has paid all of it in blocks up to then. What comes later
buys at the price of the day."""

_INDEX_LOCK = 0x64657073
"""The advisory lock under which addresses get their numbers ("deps")."""

_DAY_S = 86_400


@dataclass(frozen=True)
class Purchase:
    """A bucket that may be paid for: so much, to that address, until then."""

    id: int
    address: str
    price: Sat
    until: datetime


def open_purchase(connection: Connection, owner: str, key: ReceivingKey, price: Sat, subnet: str | None) -> Purchase:
    """An order with an address of its own, or the owner's oldest if it has enough that are not paid.

    :raises RateLimitError: the caller's subnet has had enough addresses today.
    """
    rows = connection.execute(
        select(purchase.c.id, deposit.c.address, purchase.c.price_sat, purchase.c.created)
        .join(deposit, deposit.c.id == purchase.c.deposit_id)
        .where(purchase.c.owner == owner, purchase.c.paid.is_(None))
        .order_by(purchase.c.id)
        .limit(MAX_OPEN_PURCHASES)
    ).all()
    if len(rows) == MAX_OPEN_PURCHASES:
        number, address, held, created = rows[0]
        return _renewed(connection, Purchase(number, address, Sat(held), created + PRICE_HELD), price)
    deposit_id, address = _new_deposit(connection, owner, key, subnet)
    row = insert(purchase).values(owner=owner, deposit_id=deposit_id, price_sat=price)
    number, created = connection.execute(row.returning(purchase.c.id, purchase.c.created)).one()
    return Purchase(number, address, price, created + PRICE_HELD)


def _renewed(connection: Connection, order: Purchase, price: Sat) -> Purchase:
    """The order at today's price, if the one it had is held no longer."""
    lapsed = (purchase.c.id == order.id) & (purchase.c.created < func.now() - PRICE_HELD)
    renewed = update(purchase).where(lapsed).values(price_sat=price, created=func.now()).returning(purchase.c.created)
    created = connection.scalar(renewed)
    return order if created is None else replace(order, price=price, until=created + PRICE_HELD)


def account_address(connection: Connection, owner: str, key: ReceivingKey, subnet: str | None) -> str:
    """An address that fills the owner's balance: the last one, as long as nothing was paid to it.

    :raises RateLimitError: the caller's subnet has had enough addresses today.
    """
    is_order = select(purchase.c.id).where(purchase.c.deposit_id == deposit.c.id).exists()
    is_used = select(receipt.c.txid).where(receipt.c.deposit_id == deposit.c.id).exists()
    unused = select(deposit.c.address).where(deposit.c.owner == owner, deposit.c.wallet == key.id, ~is_order, ~is_used)
    address = connection.scalar(unused.order_by(deposit.c.id.desc()).limit(1))
    return str(address) if address is not None else _new_deposit(connection, owner, key, subnet)[1]


def _new_deposit(connection: Connection, owner: str, key: ReceivingKey, subnet: str | None) -> tuple[int, str]:
    if not hosting.count_grant(connection, subnet, "deposit", ADDRESSES_A_DAY):
        raise RateLimitError("addresses near yours were given enough deposit addresses today", retry_after=_DAY_S)
    connection.execute(select(func.pg_advisory_xact_lock(_INDEX_LOCK)))
    # Rows are never removed, so no number comes twice; a rolled back transaction leaves no gap in the wallet either.
    last = connection.scalar(select(func.max(deposit.c.index)).where(deposit.c.wallet == key.id))
    index = 0 if last is None else last + 1
    address = key.address(index)
    row = insert(deposit).values(wallet=key.id, index=index, address=address, script=key.script(index), owner=owner)
    return connection.execute(row.returning(deposit.c.id)).scalar_one(), address


def buy_from_balance(connection: Connection, owner: str, price: Sat) -> bool:
    """Buy a bucket if the owner's balance covers it; whether it did. The owner must have signed this."""
    if ledger.balance(connection, owner) < price:
        return False
    bucket_id = hosting.grant_bucket(connection, owner, free=False)
    row = insert(purchase).values(owner=owner, price_sat=price, paid=func.now(), bucket_id=bucket_id)
    number = connection.execute(row.returning(purchase.c.id)).scalar_one()
    ledger.charge_price(connection, owner, price, f"purchase {number}")
    return True


def settle(connection: Connection, owner: str, price: Sat) -> None:
    """Bring an owner's orders and buckets in line with the ledger, after money came or went: grant what is paid,
    freeze what is paid no longer. `price` is that of today (0: nothing is for sale any more)."""
    accounts.lock(connection, owner)
    balance = ledger.balance(connection, owner)
    for order in _covered_purchases(connection, owner):
        in_time = min(order.received_in_time, balance - order.owner_received_late) >= order.price
        due = order.price if in_time or not price else price
        if min(order.received, balance) >= due:
            _grant(connection, owner, order.id, due)
            balance -= due
    hosting.freeze_only(connection, owner, _unpaid_buckets(connection, owner, -balance) if balance < 0 else [])


@dataclass(frozen=True)
class _Covered:
    """An order that something was received for, and what the owner received anywhere after its price was held. That
    is kept apart: money that came in time and was spent on something else has not paid for this."""

    id: int
    price: Sat
    received: int
    received_in_time: int
    owner_received_late: int


def _covered_purchases(connection: Connection, owner: str) -> list[_Covered]:
    """Orders that something was received for, oldest first. Each payment counts at the time of its block."""
    until = purchase.c.created + PRICE_HELD
    anywhere, theirs = receipt.alias("anywhere"), deposit.alias("theirs")
    late = (
        select(func.coalesce(func.sum(anywhere.c.amount_sat), 0))
        .join(theirs, theirs.c.id == anywhere.c.deposit_id)
        .where(theirs.c.owner == owner, anywhere.c.credited, anywhere.c.seen > until)
        .correlate(purchase)
        .scalar_subquery()
    )
    amount = receipt.c.amount_sat
    rows = connection.execute(
        select(
            purchase.c.id,
            purchase.c.price_sat,
            func.sum(amount),
            func.coalesce(func.sum(amount).filter(receipt.c.seen <= until), 0),
            late,
        )
        .join(receipt, and_(receipt.c.deposit_id == purchase.c.deposit_id, receipt.c.credited))
        .where(purchase.c.owner == owner, purchase.c.paid.is_(None))
        .group_by(purchase.c.id)
        .order_by(purchase.c.id)
    )
    return [_Covered(number, Sat(price), *map(int, sums)) for number, price, *sums in rows]


def _grant(connection: Connection, owner: str, order_id: int, price: Sat) -> None:
    bucket_id = hosting.grant_bucket(connection, owner, free=False)
    connection.execute(
        update(purchase).where(purchase.c.id == order_id).values(paid=func.now(), price_sat=price, bucket_id=bucket_id)
    )
    ledger.charge_price(connection, owner, price, f"purchase {order_id}")


def _unpaid_buckets(connection: Connection, owner: str, debt: int) -> list[int]:
    """The buckets bought last, as many as the debt would have paid for."""
    rows = connection.execute(
        select(purchase.c.bucket_id, purchase.c.price_sat)
        .where(purchase.c.owner == owner, purchase.c.bucket_id.is_not(None))
        .order_by(purchase.c.paid.desc(), purchase.c.id.desc())
    )
    unpaid = []
    for bucket_id, price in rows:
        if debt <= 0:
            break
        unpaid.append(bucket_id)
        debt -= price
    return unpaid
