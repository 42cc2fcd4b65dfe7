"""Giving a job to a bid."""

from __future__ import annotations

from rein.btc.feerate import Feerate
from rein.errors import InputError, NotFoundError, OrderError
from rein.escrow.carried import amount_fields
from rein.escrow.terms import offer_amounts
from rein.protocol.documents import Bid, Offer, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.job_keys import job_keyring
from rein.workflows.orders.load import my_orders, require_role
from rein.workflows.orders.mediation import mediator_of
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6


def bids_on_my_jobs(session: Session) -> list[tuple[Order, Signed[Bid]]]:
    """Every bid on a job of mine that nobody has got yet."""
    return [
        (order, bid)
        for order in my_orders(session).orders
        if order.job.document.creator_master_address == session.address and order.state is State.BID
        for bid in order.bids
    ]


def find_bid(session: Session, name: str) -> tuple[Order, Signed[Bid]]:
    """The bid a person means, by its id or the beginning of it, or by a Job ID where it has one bid only.

    :raises NotFoundError: none.
    :raises InputError: several.
    """
    candidates = bids_on_my_jobs(session)
    found = [
        (order, bid)
        for order, bid in candidates
        if order.job.document.job_id == name or (len(name) >= _SHORTEST_PREFIX and bid.id.startswith(name))
    ]
    if not found:
        raise NotFoundError(f"no bid {name!r} on an open job of yours is known here", hint="Look again: rein status")
    if len(found) > 1:
        ids = ", ".join(bid.id[:12] for _, bid in found)
        raise InputError(f"several bids answer to {name}", hint=f"Name one of them: {ids}")
    return found[0]


def build_offer(session: Session, order: Order, bid: Signed[Bid], feerate: Feerate) -> Signed[Offer]:
    """The signed offer.

    :param feerate: sat/vB kept in each escrow for the miner of the payment out of it.
    :raises OrderError: not the creator, the job has been offered already, or its mediator does not mediate any more
        (`mediator_of`); or its keys were a delegate's that was revoked.
    :raises EscrowError: the bid's escrows are not what its keys make.
    """
    require_role(order, session.address, Role.CREATOR)
    if order.state is not State.BID:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; it can be offered once only")
    job, given = order.job.document, bid.document
    mediator_of(session, job)
    _require_own_keys(session, order)
    amounts = offer_amounts(job, given, feerate)
    row = session.identity
    offer = Offer(
        **belongs_to(session, order, bid.id),
        worker=given.worker,
        worker_master_address=given.worker_master_address,
        amount=given.amount,
        **amount_fields(amounts),
        primary_address=given.primary_address,
        mediator_address=given.mediator_address,
        creator_public_key=given.creator_public_key,
        mediator_public_key=given.mediator_public_key,
        worker_public_key=given.worker_public_key,
        creator_delegate_address=row.delegate_address,
        creator_master_address=row.master_address,
    )
    return sign_answer(session, order, offer)


def _require_own_keys(session: Session, order: Order) -> None:
    """Refuse to stake money where a thief stands in the escrows too: without words, a delegate's key is enough to have
    those of its jobs.

    :raises OrderError:
    """
    address = job_keyring(session, order, Role.CREATOR).delegate_address
    mine = load_enrollments(session, {session.address}).of(session.network, session.address)
    if any(each.address == address for signed in mine for each in signed.document.revoked or ()):
        raise OrderError(
            f"the keys of the job {order.job.document.job_id} are those of the delegate {address}, which you revoked",
            hint="Post it anew: rein post",
        )
