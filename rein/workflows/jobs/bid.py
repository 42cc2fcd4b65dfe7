"""Bidding on a job."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import MAX_MONEY, Sat
from rein.errors import InputError, OrderError
from rein.escrow.carried import address_fields
from rein.escrow.contract import contract
from rein.escrow.terms import check_price
from rein.protocol.documents import Bid, Role
from rein.protocol.job_keys import ContractParts, mediator_escrow_key
from rein.protocol.orders import Order, State
from rein.protocol.values import mediator_fee
from rein.workflows.jobs.sealed_bids import check_takes_sealed, seal_bid
from rein.workflows.market.listings import JobFilter, find_jobs
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.fetch import fetched_order
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.mediation import mediator_of
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.orders.tip import newest_block
from rein.workflows.session import Session
from rein.workflows.wallet.payout import PaidAt, pay_at


@dataclass(frozen=True)
class BidPlan:
    """A bid before it is signed. `sealed`: only the job creator will be able to read it."""

    order: Order
    document: Bid
    sealed: bool


def open_jobs(session: Session) -> list[Order]:
    """Jobs one can bid on, after asking the servers: nobody has got them, not expired, not hidden, and oneself neither
    creator nor mediator. Newest first.
    """
    _ = session.identity
    pull(session)
    found = find_jobs(session, JobFilter(open_only=True), _now(session))
    biddable = [entry.id for entry in found if not entry.roles_of(session.address) - {Role.WORKER}]
    return load_orders(session, biddable).orders


def job_to_bid_on(session: Session, name: str) -> Order:
    """The job of that name, after asking the servers.

    :raises NotFoundError: there is none.
    :raises OrderError: it takes no bids any more.
    """
    order = fetched_order(session, name)
    _check_open(session, order)
    return order


def prepare(
    session: Session,
    order: Order,
    description: str,
    amount: Sat,
    paid_at: PaidAt | None = None,
    *,
    sealed: bool = False,
) -> BidPlan:
    """The bid as it will be signed, with a fresh key for this job.

    :param amount: the price in satoshis.
    :param paid_at: where to be paid; by default as `pay_at` chooses.
    :raises OrderError: the job is not open to this person, its mediator does not mediate any more (`mediator_of`), or
        its creator takes no sealed bids.
    :raises InputError: the price is too small to be paid out, or more than there will ever be.
    """
    job = order.job.document
    _check_open(session, order)
    if sealed:
        check_takes_sealed(job)
    check_amount(order, amount)
    keyring, row = session.keyring, session.identity  # the keys of now: an earlier delegate's may be in wrong hands
    escrow, enrollment = keyring.worker_escrow(order.id), mediator_of(session, job)
    payment_address = (paid_at or pay_at(session, None)).address
    parts = ContractParts(
        network=session.network,
        job_document=order.id,
        creator_key=job.creator_public_key,
        worker_key=escrow.public_key,
        worker_master_address=row.master_address,
        worker_payment_address=payment_address,
        price=amount,
    )
    mediator_key = mediator_escrow_key(enrollment, parts)
    escrows = contract(parts.creator_key, mediator_key, parts.worker_key, session.network)
    bid = Bid(
        **belongs_to(session, order, order.id),
        worker=row.name,
        worker_contact=row.contact,
        worker_delegate_address=row.delegate_address,
        worker_master_address=row.master_address,
        description=description,
        amount=amount,
        **address_fields(escrows),
        creator_public_key=job.creator_public_key,
        mediator_public_key=mediator_key,
        worker_public_key=parts.worker_key,
        worker_payment_address=payment_address,
        worker_message_key=keyring.worker_message(order.id).public_key,
    )
    return BidPlan(order, bid, sealed)


def commit(session: Session, plan: BidPlan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly this bid, seal it if it is to be, and put it into the outbox.

    :raises OrderError: it would not count any more.
    :raises FieldError: it is too long to be sealed.
    """
    order = plan.order
    bid = sign_answer(session, order, plan.document, session.keyring.worker_escrow(order.id))
    if not plan.sealed:
        return write(session, bid, dry_run=dry_run)
    return write(session, seal_bid(session, order, bid), bid, dry_run=dry_run)


def check_amount(order: Order, amount: Sat) -> None:
    """
    :raises InputError: the price is too small to be paid out, or with the mediator's fee more than there will ever be.
    """
    fee = order.job.document.mediator_fee
    check_price(amount, fee)
    if amount + mediator_fee(amount, fee) >= MAX_MONEY:
        raise InputError("the price and the mediator's fee are more than the 21,000,000 BTC that will ever be")


def _check_open(session: Session, order: Order) -> None:
    job, now = order.job.document, _now(session)
    if order.state not in (State.POSTED, State.BID):
        raise OrderError(f"the job {job.job_id} is {order.state.value}; it takes no bids any more")
    if now is not None and job.expires <= now:
        raise OrderError(f"the job {job.job_id} has expired; it takes no bids any more")


def _now(session: Session) -> int | None:
    """The time of the newest block, in seconds since 1970; None where none was ever seen."""
    newest = newest_block(session)
    return newest.time if newest else None
