"""The orders of this home, folded from its documents and from what was last seen on the chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rein.chain.source import Output
from rein.errors import EscrowError, InputError, NotFoundError, OrderError, ReinError
from rein.escrow.claims import Claim, claims_of
from rein.escrow.contract import EscrowKind
from rein.escrow.funding import EscrowFunding, Filling, Funding, Verdict, match_funding
from rein.escrow.proposals import Ending, all_payments
from rein.escrow.terms import Terms, terms_of
from rein.protocol.documents import Document, Job, Offer, Role
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import NO_EVIDENCE, Evidence, Order, State, fold
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.view import roles_of
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6


@dataclass(frozen=True)
class Refused:
    """A job that does not count, and why."""

    job: Signed[Job]
    reason: ReinError


@dataclass(frozen=True)
class LoadedOrders:
    """The orders that count, and the jobs that were refused."""

    orders: list[Order]
    refused: list[Refused]


def load_orders(session: Session, order_ids: Iterable[DocumentId]) -> LoadedOrders:
    """The orders with these job documents, as far as they are here."""
    wanted = list(order_ids)
    by_order: dict[DocumentId, list[Signed[Any]]] = defaultdict(list)
    jobs: dict[DocumentId, Signed[Job]] = {}
    for signed in session.store.orders.documents(wanted):
        document = signed.document
        if isinstance(document, Job) and document.network == session.network:
            jobs[signed.id] = signed
        elif isinstance(document, Document):
            by_order[getattr(document, "job_document", signed.id)].append(signed)
    enrollments = load_enrollments(session, session.store.orders.people(wanted))
    loaded = LoadedOrders([], [])
    for order_id in wanted:
        if order_id not in jobs:
            continue
        try:
            loaded.orders.extend(_fold(session, jobs[order_id], by_order[order_id], enrollments))
        except ReinError as reason:
            loaded.refused.append(Refused(jobs[order_id], reason))
    return loaded


def my_orders(session: Session) -> LoadedOrders:
    """The orders in which the identity has a part, oldest first."""
    return load_orders(session, session.store.orders.of_person(session.network.name, session.address))


def find_order(session: Session, name: str) -> Order:
    """The order a person means: by the id of its job document or of its offer, the beginning of one, or its Job ID.

    :raises NotFoundError: nothing of that name is here, or it is a job that does not count, saying why.
    :raises InputError: several orders answer to that name.
    """
    named = session.store.orders.find_jobs(session.network.name, name) if len(name) >= _SHORTEST_PREFIX else []
    if not named and len(name) >= _SHORTEST_PREFIX:
        named = session.store.orders.of_offers(session.network.name, name)
    loaded = load_orders(session, named)
    meant = [order for order in loaded.orders if order.offer and order.offer.id.startswith(name)] or loaded.orders
    if len(meant) > 1:
        one_job = len(named) == 1
        ids = ", ".join((order.contract_id if one_job else order.id)[:12] for order in meant)
        what = "offer" if one_job else "job document"
        raise InputError(f"several {what}s answer to {name}", hint=f"Name the {what} instead: {ids}")
    if meant:
        return meant[0]
    if loaded.refused:
        raise NotFoundError(f"the job {name} does not count: {loaded.refused[0].reason.message}")
    raise NotFoundError(f"no job {name!r} is known here", hint="Fetch what is new: rein sync")


def with_document(session: Session, order: Order, signed: Signed[Any]) -> Order:
    """The order as everybody will see it once a new document of mine is in it.

    :raises OrderError: the document would be kept apart, or would contradict an earlier one of mine.
    """
    documents = [*order.all_documents(), signed]
    people = session.store.orders.people([order.id]) | {signed.document.author.master_address}
    offer_id = order.offer.id if order.offer else None
    changed = fold(order.job, documents, load_enrollments(session, people), order.evidence, offer_id=offer_id)
    for each in changed.rejected:
        if each.document == signed:
            raise OrderError(f"this document would not count: {each.reason.message}")
    if changed.conflict and not order.conflict:
        raise OrderError(
            "this document would contradict one you have signed already, and freeze the job",
            job_id=order.job.document.job_id,
        )
    if signed in changed.void_ratings:
        raise OrderError("you have rated this person in this job already, and two different ratings are both void")
    return changed


def roles_in(order: Order, address: str | None) -> frozenset[Role]:
    """What an identity is in an order. A bidder is a worker until the job goes to somebody else."""
    job = order.job.document
    bids: tuple[Signed[Any], ...] = (order.bid,) if order.bid else (*order.bids, *order.sealed_bids)
    workers = [bid.document.author.master_address for bid in bids]
    return roles_of(address, job.creator_master_address, job.mediator_master_address, workers)


def require_role(order: Order, address: str, role: Role) -> None:
    """Refuse somebody who is not this in the order.

    :raises OrderError:
    """
    if role not in roles_in(order, address):
        raise OrderError(f"you are not the {role.value} of the job {order.job.document.job_id}")


def require_open(order: Order) -> Signed[Offer]:
    """The offer of a job that was offered and is not over.

    :raises OrderError:
    """
    if order.offer is None:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}: it has no offer that counts")
    if order.is_over:
        raise OrderError(f"the job {order.job.document.job_id} is over: it is {order.state.value}")
    return order.offer


def open_orders(session: Session) -> list[Order]:
    """Jobs in which the identity has a part, that were offered and are not over."""
    return [order for order in my_orders(session).orders if order.offer is not None and not order.is_over]


def can_deliver(order: Order) -> bool:
    """Whether an order waits for a delivery, or may get a better one. Two offers freeze a job, yet take nothing from
    the worker: whose escrows are funded may deliver."""
    if order.state is State.FROZEN:
        return order.evidence.funded and not order.acceptances and not order.resolutions
    return order.state in (State.FUNDED, State.DELIVERED)


def terms_if_any(order: Order) -> Terms | None:
    """The terms of an order, or None where there is no offer or it cannot be trusted."""
    try:
        return terms_of(order)
    except EscrowError:
        return None


def kinds_of(order: Order) -> dict[str, EscrowKind]:
    """What each escrow of an order is for, by its id."""
    terms = terms_if_any(order)
    return {} if terms is None else {each.id: each.kind for each in terms.escrows}


def _fold(session: Session, job: Signed[Job], documents: list[Signed[Any]], enrollments: Enrollments) -> list[Order]:
    """The order of a job; where the creator signed several offers, one view for each that concerns the identity, so
    that no second offer can hide the money of the first."""
    order = fold(job, documents, enrollments)
    offers = [each for each in order.conflict if isinstance(each.document, Offer)]
    views = [fold(job, documents, enrollments, offer_id=offer.id) for offer in offers]
    address = session.row.master_address if session.row else None
    mine = [view for view in views if roles_in(view, address)] or [order]
    return [_with_evidence(session, view, documents, enrollments) for view in mine]


def _with_evidence(session: Session, order: Order, documents: list[Signed[Any]], enrollments: Enrollments) -> Order:
    evidence = evidence_of(session, order)
    if evidence == NO_EVIDENCE:
        return order
    return fold(order.job, documents, enrollments, evidence, offer_id=order.offer.id if order.offer else None)


def evidence_of(session: Session, order: Order) -> Evidence:
    """What was last seen of an order on the chain, held against its terms."""
    terms = terms_if_any(order)
    if terms is None:
        return NO_EVIDENCE
    outputs = session.store.escrows.outputs(order.contract_id)
    payments = session.store.escrows.payments(order.contract_id)
    funding = recorded_funding(order, terms, outputs, payments, Ending.REFUND)
    refunded = any(payment.ending == Ending.REFUND.value for payment in payments.values())

    def is_paid(held: EscrowFunding) -> bool:
        payment = payments.get(held.id)
        if payment is None:
            return refunded and held.filling is Filling.EMPTY and not held.leaving  # nothing is owed out of nothing
        return payment.confirmations >= held.confirmations_needed

    return Evidence(
        funded=all(_is_funded(order, each, payments) for each in funding.escrows),
        primary_paid=all(is_paid(each) for each in funding.of_kind(EscrowKind.PRICE)),
        mediator_paid=all(is_paid(each) for each in funding.of_kind(EscrowKind.FEE)),
        refunded=refunded and _ended_by(terms, payments) <= {Ending.REFUND.value},
    )


def recorded_funding(
    order: Order,
    terms: Terms,
    outputs: Sequence[EscrowOutput],
    payments: Mapping[str, Payment],
    *endings: Ending,
) -> Funding:
    """The escrows as last seen.

    :param endings: of which payments to ask whether they wait for one signature; of all where none is given.
    """
    shown = [
        Output(each.outpoint, each.amount, terms.of(each.escrow_id).escrow.script, each.height, each.confirmations)
        for each in outputs
    ]
    spent = {each.outpoint for each in outputs if each.spent}
    paid = set(payments)
    done = paid - {each.escrow_id for each in outputs if not each.spent}  # nothing is left there to be claimed
    proposals = [
        each
        for each in all_payments(order, terms)
        if each.terms.id not in done and (not endings or each.ending in endings)
    ]
    claims = not_lost(claims_of(proposals), outputs)
    return match_funding(terms, shown, order.job.document.network, leaving=spent, claims=claims, paid=paid)


def not_lost(claims: Iterable[Claim], outputs: Iterable[EscrowOutput]) -> tuple[Claim, ...]:
    """Those that can still be made: nothing they spend was spent in a block. What waits for one can be replaced."""
    gone = {each.outpoint for each in outputs if each.spent and each.confirmations}
    return tuple(each for each in claims if not each.outpoints & gone)


def was_funded(session: Session, order: Order) -> bool:
    """Whether all escrows hold what was agreed, or held it until a payment of the job took it, be it a refund."""
    terms = terms_if_any(order)
    if order.evidence.funded or terms is None:
        return order.evidence.funded
    payments = session.store.escrows.payments(order.contract_id)
    funding = recorded_funding(order, terms, session.store.escrows.outputs(order.contract_id), payments, Ending.REFUND)
    return all(_was_full(each, payments) or each.complete for each in funding.escrows)


def _is_funded(order: Order, held: EscrowFunding, payments: Mapping[str, Payment]) -> bool:
    """Whether an escrow holds what was agreed, or held it until whom it is for was paid.

    What was delivered into a full escrow stays delivered: no refund takes the order back, neither one that is signed
    nor one on its way. Before the delivery, what a refund takes is not there. A refund of all of it that is only signed
    takes nothing back either: the `verdict` keeps the worker from delivering.
    """
    payment = payments.get(held.id)
    if payment is not None:
        return _was_full(held, payments) and (payment.ending != Ending.REFUND.value or bool(order.deliveries))
    if order.deliveries:
        return held.complete
    return held.verdict is Verdict.COMPLETE or (held.verdict is Verdict.CLAIMED and held.complete)


def _was_full(held: EscrowFunding, payments: Mapping[str, Payment]) -> bool:
    payment = payments.get(held.id)
    return payment is not None and payment.amount + payment.back + payment.fee >= held.terms.amount


def _ended_by(terms: Terms, payments: Mapping[str, Payment]) -> set[str]:
    """By what the price was paid out, as far as it was."""
    return {payments[each.id].ending for each in terms.of_kind(EscrowKind.PRICE) if each.id in payments}
