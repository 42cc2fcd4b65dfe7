"""The money of one identity's jobs in double entry, from what was seen on the chain, and as CSV and Beancount.

What a wallet paid to the miner to fund an escrow, or moved elsewhere, is not in it: only that wallet knows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from rein.btc.amounts import Sat, format_btc
from rein.errors import EscrowError
from rein.escrow.contract import EscrowKind
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.tables.escrows import Payment
from rein.workflows.chain.current import observe_if_possible
from rein.workflows.chain.view import ChainView
from rein.workflows.orders.load import kinds_of, my_orders, roles_in
from rein.workflows.session import Session


class Account(Enum):
    """Where money is or goes. The values are Beancount's names."""

    WALLET = "Assets:Bitcoin:Wallet"
    ESCROW = "Assets:Bitcoin:Escrow"
    WORK = "Expenses:Rein:Work"
    MEDIATION = "Expenses:Rein:Mediation"
    MINERS = "Expenses:Rein:Miners"
    WAGES = "Income:Rein:Work"
    FEES = "Income:Rein:Mediation"


@dataclass(frozen=True)
class Transaction:
    """One movement of money, in a block. `time`: of the block, in seconds since 1970. `postings` are satoshis and sum
    to zero. `payee` and `job_name` are strangers' words."""

    time: int
    height: int
    txid: str
    job_id: str
    job_name: str
    role: Role
    payee: str
    what: str
    postings: tuple[tuple[Account, int], ...]

    def __post_init__(self) -> None:
        if sum(amount for _, amount in self.postings):
            raise EscrowError(f"the ledger's entry for {self.txid} does not balance")

    def json(self) -> dict[str, Any]:
        return {
            "time": self.time,
            "height": self.height,
            "txid": self.txid,
            "job_id": self.job_id,
            "job_name": self.job_name,
            "role": self.role.value,
            "what": self.what,
            "payee": self.payee,
            "postings": [{"account": account.value, "amount_sat": amount} for account, amount in self.postings],
        }


@dataclass(frozen=True)
class _Move:
    """A transaction before its time is known."""

    height: int
    txid: str
    order: Order
    role: Role
    payee: str
    what: str
    postings: tuple[tuple[Account, int], ...]


def current_ledger(session: Session) -> list[Transaction]:
    """The ledger after a look at the chain, where it answers.

    :raises ChainError: as `ledger`.
    """
    _ = session.identity
    return ledger(session, observe_if_possible(session, my_orders(session).orders))


def ledger(session: Session, seen: Mapping[str, ChainView]) -> list[Transaction]:
    """Every confirmed movement, in the order of the blocks.

    :param seen: what a look at the chain has just shown, by contract id; without it, what went back of a rest is
        missing, because only what ends a job is remembered.
    :raises ChainError: the chain source does not tell when a block was.
    """
    moves = [
        move for order in my_orders(session).orders for move in _moves(session, order, seen.get(order.contract_id))
    ]
    times = {height: session.chain.block_at(height).time for height in sorted({move.height for move in moves})}
    moves.sort(key=lambda move: (move.height, move.order.id, move.what, move.txid))
    return [
        Transaction(
            times[move.height],
            move.height,
            move.txid,
            move.order.job.document.job_id,
            move.order.job.document.name,
            move.role,
            move.payee,
            move.what,
            tuple((account, amount) for account, amount in move.postings if amount),
        )
        for move in moves
    ]


def _moves(session: Session, order: Order, seen: ChainView | None) -> Iterator[_Move]:
    roles, kinds = roles_in(order, session.address), kinds_of(order)
    payments = session.store.escrows.payments(order.contract_id)
    if Role.CREATOR in roles:
        yield from _funding(session, order, payments)
        for payment in _confirmed([*payments.values(), *(seen.others if seen else ())]):
            yield _paid_out(order, payment, kinds)
    for role, kind, account in (
        (Role.WORKER, EscrowKind.PRICE, Account.WAGES),
        (Role.MEDIATOR, EscrowKind.FEE, Account.FEES),
    ):
        for payment in _confirmed(payments.values()):
            if role in roles and kinds.get(payment.escrow_id) is kind and payment.amount:
                postings = ((Account.WALLET, payment.amount), (account, -payment.amount))
                payer = order.job.document.creator
                yield _Move(payment.height or 0, payment.txid, order, role, payer, "received", postings)


def _funding(session: Session, order: Order, payments: dict[str, Payment]) -> Iterator[_Move]:
    """What the creator paid in. An output that was met only when spent already is dated by the payment's block."""
    for output in session.store.escrows.outputs(order.contract_id):
        payment = payments.get(output.escrow_id)
        height = output.height if output.height is not None else (payment.height if payment else None)
        if height is not None:
            postings = ((Account.WALLET, -output.amount), (Account.ESCROW, output.amount))
            payee = f"{output.escrow_id} escrow"
            yield _Move(height, output.outpoint.txid, order, Role.CREATOR, payee, "funded", postings)


def _paid_out(order: Order, payment: Payment, kinds: Mapping[str, EscrowKind]) -> _Move:
    to_worker = kinds.get(payment.escrow_id) is EscrowKind.PRICE
    job, bid = order.job.document, order.bid
    postings = (
        (Account.ESCROW, -(payment.amount + payment.back + payment.fee)),
        (Account.WORK if to_worker else Account.MEDIATION, payment.amount),
        (Account.WALLET, payment.back),
        (Account.MINERS, payment.fee),
    )
    if not payment.amount:
        return _Move(payment.height or 0, payment.txid, order, Role.CREATOR, job.creator, "given back", postings)
    worker = bid.document.worker if bid else ""
    payee = worker if to_worker else job.mediator
    return _Move(payment.height or 0, payment.txid, order, Role.CREATOR, payee, "paid", postings)


def _confirmed(payments: Iterable[Payment]) -> list[Payment]:
    return [each for each in payments if each.height is not None and each.confirmations > 0]


def day(time: int) -> str:
    """The day of a block, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")


def signed_btc(amount: int) -> str:
    """An amount with its sign, in BTC."""
    return ("-" if amount < 0 else "") + format_btc(Sat(abs(amount)))


_COLUMNS = ("date", "height", "txid", "job_id", "job", "role", "what", "payee", "account", "amount_btc", "amount_sat")


def as_csv(transactions: Sequence[Transaction]) -> str:
    """One row a posting. A stranger's text that a spreadsheet would take for a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in transactions:
        for account, amount in each.postings:
            who = (each.role.value, each.what, _cell(each.payee), account.value)
            about = (day(each.time), each.height, each.txid, each.job_id, _cell(each.job_name))
            writer.writerow((*about, *who, signed_btc(amount), amount))
    return out.getvalue()


def _cell(text: str) -> str:
    line = _one_line(text)
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line


def as_beancount(transactions: Sequence[Transaction]) -> str:
    """Beancount's plain text, with the accounts opened on the first day."""
    lines = ['option "operating_currency" "BTC"', ""]
    if transactions:
        used = {account for each in transactions for account, _ in each.postings}
        first = min(each.time for each in transactions)
        lines += [f"{day(first)} open {account.value} BTC" for account in Account if account in used]
    for each in transactions:
        lines += [
            "",
            f"{day(each.time)} * {_quoted(each.payee)} {_quoted(f'{each.what}: {each.job_name}')} ^{each.job_id}",
        ]
        lines += [f'  txid: "{each.txid}"', f"  height: {each.height}"]
        lines += [f"  {account.value}  {signed_btc(amount)} BTC" for account, amount in each.postings]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = _one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
