"""The double-entry ledger: every amount moves from one account to another."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from causeway.db.base import bind, parameter
from causeway.payments.models import MAX_MEMO, Account, ledger, ledger_transaction_seq
from rein.btc.amounts import Sat

_NEXT = select(ledger_transaction_seq.next_value())
_BALANCE = select(func.coalesce(func.sum(ledger.c.amount_sat), 0)).where(ledger.c.owner == parameter("owner"))
_POST = insert(ledger).values(
    transaction_id=parameter("transaction_id"),
    account=parameter("account"),
    owner=parameter("owner"),
    amount_sat=parameter("amount_sat"),
    memo=parameter("memo"),
)


def credit_deposit(connection: Connection, owner: str, amount: Sat, memo: str) -> None:
    """What came in over the chain belongs to the owner."""
    _move(connection, Account.DEPOSITS, Account.OWNER, owner, amount, memo)


def reverse_deposit(connection: Connection, owner: str, amount: Sat, memo: str) -> None:
    """It is on the chain no longer: the counter entry of `credit_deposit`. The balance may become negative."""
    _move(connection, Account.OWNER, Account.DEPOSITS, owner, amount, memo)


def charge_price(connection: Connection, owner: str, price: Sat, memo: str) -> None:
    """A bucket was bought: the owner's money becomes the operator's."""
    _move(connection, Account.OWNER, Account.INCOME, owner, price, memo)


def balance(connection: Connection, owner: str) -> int:
    """An owner's satoshis. Negative if a payment left the chain that was spent here already."""
    return int(connection.scalar(_BALANCE, bind(owner=owner)) or 0)


def _move(connection: Connection, source: Account, target: Account, owner: str, amount: Sat, memo: str) -> None:
    if amount == 0:
        return
    number = connection.scalar(_NEXT)
    lines = [
        bind(
            transaction_id=number,
            account=account.value,
            owner=owner if account is Account.OWNER else None,
            amount_sat=change,
            memo=memo[:MAX_MEMO],
        )
        for account, change in ((source, -amount), (target, amount))
    ]
    connection.execute(_POST, lines)
