"""Giving a job to a bid."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.btc.feerate import Feerate
from rein.errors import InputError, NotFoundError, OrderError
from rein.escrow.carried import amount_fields
from rein.escrow.terms import MIN_RESERVE_FEERATE, offer_amounts
from rein.protocol.documents import Bid, Offer, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.workflows.jobs.sealed_bids import unseal_bids
from rein.workflows.orders.feeds import load_enrollments, pull
from rein.workflows.orders.job_keys import job_keyring
from rein.workflows.orders.load import my_orders, require_role
from rein.workflows.orders.mediation import mediator_of
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate

_SHORTEST_PREFIX = 6


@dataclass(frozen=True)
class OfferPlan:
    """An offer before it is signed. `feerate` (sat/vB) is kept in each escrow for the miner of the payment out of it;
    `made` is the offer of this bid that was signed before, if there is one."""

    order: Order
    document: Offer
    feerate: Feerate
    amounts: tuple[Sat, ...] = ()
    """What the creator would pay into each escrow."""
    made: Signed[Offer] | None = None

    @property
    def outlay(self) -> Sat:
        """All of these together."""
        return Sat(sum(self.amounts))


def fetch_bids(session: Session) -> None:
    """Ask the servers for bids, and open those on my jobs that are sealed."""
    _ = session.identity
    pull(session)
    unseal_bids(session)


def bids_on_my_jobs(session: Session) -> list[tuple[Order, Signed[Bid]]]:
    """Every bid on a job of mine that nobody has got yet."""
    return [(order, bid) for order in _mine(session) if order.state is State.BID for bid in order.bids]


def find_bid(session: Session, name: str) -> tuple[Order, Signed[Bid]]:
    """The bid a person means, by its id or the beginning of it, or by a Job ID where it has one bid only. A job that
    was offered has the bid that got it.

    :raises NotFoundError: none.
    :raises InputError: several.
    """
    offered = [(order, order.bid) for order in _mine(session) if order.offer and order.bid]
    found = [
        (order, bid)
        for order, bid in (*bids_on_my_jobs(session), *offered)
        if order.job.document.job_id == name or (len(name) >= _SHORTEST_PREFIX and bid.id.startswith(name))
    ]
    if not found:
        raise NotFoundError(f"no bid {name!r} on an open job of yours is known here")
    if len(found) > 1:
        ids = ", ".join(bid.id[:12] for _, bid in found)
        raise InputError(f"several bids answer to {name}", hint=f"Name one of them: {ids}")
    return found[0]


def _mine(session: Session) -> list[Order]:
    return [
        order for order in my_orders(session).orders if order.job.document.creator_master_address == session.address
    ]


def prepare(session: Session, order: Order, bid: Signed[Bid], feerate: Feerate | None = None) -> OfferPlan:
    """The offer as it will be signed; or the one that was made of this bid before.

    :param feerate: sat/vB kept in each escrow for the miner of the payment out of it; by default what is usual now.
    :raises OrderError: not the creator, the job has been offered already, or its mediator does not mediate any more
        (`mediator_of`).
    :raises EscrowError: the bid's escrows are not what its keys make.
    """
    require_role(order, session.address, Role.CREATOR)
    if order.offer is not None and order.offer.document.previous == bid.id:
        return OfferPlan(order, order.offer.document, 0, made=order.offer)
    if order.state is not State.BID:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; it can be offered once only")
    job, given = order.job.document, bid.document
    mediator_of(session, job)
    rate = feerate if feerate is not None else max(MIN_RESERVE_FEERATE, current_feerate(session))
    amounts = offer_amounts(job, given, rate)
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
    return OfferPlan(order, offer, rate, tuple(amounts.values()))


def commit(session: Session, plan: OfferPlan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly this offer and put it into the outbox; nothing, if it was made before.

    :raises OrderError: it would not count any more, or the job's keys were a delegate's that was revoked.
    """
    if plan.made is not None:
        return DocumentResult(plan.made, stored=True, repeated=True)
    _require_own_keys(session, plan.order)
    return write(session, sign_answer(session, plan.order, plan.document), dry_run=dry_run)


def _require_own_keys(session: Session, order: Order) -> None:
    """Refuse to stake money where a thief holds a key of the escrows too: of an identity without a recovery phrase, a
    delegate's key is enough to have those of its jobs.

    :raises OrderError:
    """
    address = job_keyring(session, order, Role.CREATOR).delegate_address
    mine = load_enrollments(session, {session.address}).of(session.network, session.address)
    if any(each.address == address for signed in mine for each in signed.document.revoked or ()):
        raise OrderError(
            f"the keys of the job {order.job.document.job_id} are those of the delegate {address}, which you revoked",
            hint="Post the job again.",
        )
