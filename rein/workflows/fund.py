"""Funding the escrows: what to pay where, and whether it has arrived. Rein holds no wallet; any one will do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from rein.btc.amounts import Sat, format_btc
from rein.errors import OrderError
from rein.escrow.funding import Funding
from rein.escrow.terms import PurseTerms, terms_of
from rein.protocol.orders import Order, State
from rein.workflows.desk import Desk
from rein.workflows.watch_chain import look_at

_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Invoice:
    """One payment the creator has to make."""

    purse: str
    amount: Sat
    address: str
    uri: str
    descriptor: str


def invoices(order: Order) -> tuple[Invoice, ...]:
    """What has to be paid for a job, rebuilt from its documents.

    :raises EscrowError: no offer, or one that is not what it must be.
    """
    return tuple(_invoice(order, purse) for purse in terms_of(order).purses)


def _invoice(order: Order, purse: PurseTerms) -> Invoice:
    label = quote(f"Rein {order.job.document.job_id} {purse.escrow.purse.value}")
    address = purse.escrow.address
    return Invoice(
        purse=purse.escrow.purse.value,
        amount=purse.amount,
        address=address,
        uri=f"bitcoin:{address}?amount={format_btc(purse.amount)}&label={label}",
        descriptor=purse.escrow.descriptor,
    )


def look_for_funding(desk: Desk, order: Order) -> Funding:
    """What the chain shows at the escrows now.

    :raises OrderError: the job is frozen.
    :raises EscrowError: no offer, or one that is not what it must be.
    """
    if order.state is State.FROZEN:
        raise OrderError(
            "the job is frozen: somebody signed two things that contradict each other", hint="Pay nothing."
        )
    terms_of(order)
    seen = look_at(desk, order)
    if seen is None:
        raise OrderError("this job has no offer that counts")
    return seen.funding


def wait_for_funding(
    desk: Desk, order: Order, show: Callable[[Funding], None], *, poll: float = _POLL_SECONDS
) -> Funding:
    """Watch until both escrows hold the right amounts, deep enough. `show` is told whenever something changed."""
    last = ""
    while True:
        funding = look_for_funding(desk, order)
        now = " ".join(str(purse) for purse in funding.purses)
        if now != last:
            show(funding)
            last = now
        if funding.complete:
            return funding
        time.sleep(poll)
