"""Bidding on a job."""

from __future__ import annotations

from rein.btc.amounts import Sat
from rein.errors import OrderError
from rein.escrow.carried import address_fields
from rein.escrow.contract import contract
from rein.escrow.terms import check_price
from rein.protocol.documents import Bid, Role
from rein.protocol.job_keys import ContractParts, mediator_escrow_key
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.market.listings import JobFilter, find_jobs
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.mediation import mediator_of
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session
from rein.workflows.wallet.payout import PaidAt, pay_at


def open_jobs(session: Session, now: int | None) -> list[Order]:
    """Jobs one can bid on: nobody has got them, not expired, not hidden, and oneself neither creator nor mediator.
    Newest first.

    :param now: the time of the newest block, in seconds since 1970; None where none was ever seen.
    """
    found = find_jobs(session, JobFilter(open_only=True), now)
    biddable = [entry.id for entry in found if not entry.roles_of(session.address) - {Role.WORKER}]
    return load_orders(session, biddable).orders


def build_bid(
    session: Session, order: Order, description: str, amount: Sat, now: int | None, paid_at: PaidAt | None = None
) -> Signed[Bid]:
    """The signed bid, with a fresh key for this job.

    :param amount: the price in satoshis.
    :param now: as for `open_jobs`.
    :param paid_at: where to be paid; by default as `pay_at` chooses.
    :raises OrderError: the job is not open to this person, or its mediator does not mediate any more (`mediator_of`).
    :raises InputError: the price is too small to be paid out.
    """
    job = order.job.document
    if order.state not in (State.POSTED, State.BID):
        raise OrderError(f"the job {job.job_id} is {order.state.value}; it takes no bids any more")
    if now is not None and job.expires <= now:
        raise OrderError(f"the job {job.job_id} has expired; it takes no bids any more")
    check_price(amount, job.mediator_fee)
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
    return sign_answer(session, order, bid, escrow)
