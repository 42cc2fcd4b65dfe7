"""Figures of sales, for metrics, `causeway stats` and `causeway doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from causeway.payments.models import Account, ledger, purchase, watched_block
from causeway.payments.purchases import PRICE_HELD


@dataclass(frozen=True)
class Figures:
    """Orders that are not paid, while their price is held (`open`) and after (`late`); those that were paid;
    satoshis that came in over the chain (`credited_sat`), and those of them that buckets were bought for
    (`income_sat`); the last block that was read, and when it was last the tip. None: none was."""

    open: int
    late: int
    paid: int
    credited_sat: int
    income_sat: int
    watched_height: int | None
    watched: datetime | None


def read_figures(connection: Connection) -> Figures:
    """Count."""
    is_held = purchase.c.created > func.now() - PRICE_HELD
    is_open = purchase.c.paid.is_(None)
    orders = connection.execute(
        select(
            func.count().filter(is_open, is_held), func.count().filter(is_open, ~is_held), func.count(purchase.c.paid)
        ).select_from(purchase)
    ).one()
    place = select(watched_block.c.height, watched_block.c.seen).order_by(watched_block.c.height.desc()).limit(1)
    last = connection.execute(place).first()
    return Figures(
        open=orders[0],
        late=orders[1],
        paid=orders[2],
        credited_sat=-_sum_of(connection, Account.DEPOSITS),
        income_sat=_sum_of(connection, Account.INCOME),
        watched_height=last.height if last else None,
        watched=last.seen if last else None,
    )


def _sum_of(connection: Connection, account: Account) -> int:
    total = select(func.coalesce(func.sum(ledger.c.amount_sat), 0)).where(ledger.c.account == account.value)
    return int(connection.scalar(total) or 0)


def unbalanced_transactions(connection: Connection) -> int:
    """How many transactions of the ledger do not sum to zero: 0, unless rows were changed by hand."""
    sums = select(ledger.c.transaction_id).group_by(ledger.c.transaction_id).having(func.sum(ledger.c.amount_sat) != 0)
    return connection.scalar(select(func.count()).select_from(sums.subquery())) or 0
