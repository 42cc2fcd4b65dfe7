"""The orders of this home, folded from its documents and from what was last seen on the chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rein.errors import EscrowError, InputError, NotFoundError, OrderError, ReinError
from rein.escrow.funding import confirmations_needed
from rein.escrow.terms import Terms, terms_of
from rein.protocol.documents import Document, Job, Role
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import NO_EVIDENCE, Evidence, Order, fold
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.workflows.desk import Desk
from rein.workflows.pull import load_enrollments

_SHORTEST_PREFIX = 6


@dataclass(frozen=True)
class Refused:
    """A job that does not count, and why."""

    job: Signed[Job]
    reason: ReinError


@dataclass(frozen=True)
class Cases:
    """All orders looked at, and the jobs that were refused."""

    orders: list[Order]
    refused: list[Refused]


def load_orders(desk: Desk, order_ids: Iterable[DocumentId]) -> Cases:
    """The orders with these job documents, as far as they are here."""
    wanted = list(order_ids)
    by_order: dict[DocumentId, list[Signed[Any]]] = defaultdict(list)
    jobs: dict[DocumentId, Signed[Job]] = {}
    for signed in desk.store.documents_of_orders(wanted):
        document = signed.document
        if isinstance(document, Job) and document.network == desk.network:
            jobs[signed.id] = signed
        elif isinstance(document, Document):
            by_order[getattr(document, "job_document", signed.id)].append(signed)
    enrollments = load_enrollments(desk)
    cases = Cases([], [])
    for order_id in wanted:
        if order_id not in jobs:
            continue
        try:
            cases.orders.append(_fold(desk, jobs[order_id], by_order[order_id], enrollments))
        except ReinError as reason:
            cases.refused.append(Refused(jobs[order_id], reason))
    return cases


def my_orders(desk: Desk) -> Cases:
    """The orders in which the identity has a part, oldest first."""
    return load_orders(desk, desk.store.my_order_ids(desk.network.name, desk.address))


def market(desk: Desk) -> Cases:
    """Every job here, whoever posted it."""
    return load_orders(desk, desk.store.job_documents(desk.network.name))


def find_order(desk: Desk, name: str) -> Order:
    """The order a person means: by the id of its job document, the beginning of it, or its Job ID.

    :raises NotFoundError: nothing of that name is here, or it is a job that does not count, saying why.
    :raises InputError: several orders answer to that name.
    """
    named = desk.store.find_jobs(desk.network.name, name) if len(name) >= _SHORTEST_PREFIX else []
    cases = load_orders(desk, named)
    if len(cases.orders) > 1:
        ids = ", ".join(order.id[:12] for order in cases.orders)
        raise InputError(f"several jobs answer to {name}", hint=f"Name the job document instead: {ids}")
    if cases.orders:
        return cases.orders[0]
    if cases.refused:
        raise NotFoundError(f"the job {name} does not count: {cases.refused[0].reason.message}")
    raise NotFoundError(f"no job {name!r} is known here", hint="Fetch what is new: rein sync")


def with_document(desk: Desk, order: Order, signed: Signed[Any]) -> Order:
    """The order as everybody will see it once a new document of mine is in it.

    :raises OrderError: the document would be kept apart, or would contradict an earlier one of mine.
    """
    documents = [*order.documents(), *(each.document for each in order.apart), *order.conflict, signed]
    changed = fold(order.job, documents, load_enrollments(desk), order.evidence)
    for each in changed.apart:
        if each.document == signed:
            raise OrderError(f"this document would not count: {each.reason.message}")
    if changed.conflict and not order.conflict:
        raise OrderError(
            "this document would contradict one you have signed already, and freeze the job",
            hint="See it: rein status --jobid " + order.job.document.job_id,
        )
    return changed


def roles_in(order: Order, address: str) -> set[Role]:
    """What an identity is in an order. A bidder is a worker until the job goes to somebody else."""
    job = order.job.document
    roles = set()
    if job.creator_master_address == address:
        roles.add(Role.CREATOR)
    if job.mediator_master_address == address:
        roles.add(Role.MEDIATOR)
    bids = (order.bid,) if order.bid else order.bids
    if any(bid.document.worker_master_address == address for bid in bids):
        roles.add(Role.WORKER)
    return roles


def require_role(order: Order, address: str, role: Role) -> None:
    """Refuse somebody who is not this in the order.

    :raises OrderError:
    """
    if role not in roles_in(order, address):
        raise OrderError(f"you are not the {role.value} of the job {order.job.document.job_id}")


def terms_if_any(order: Order) -> Terms | None:
    """The terms of an order, or None where there is no offer or it cannot be trusted."""
    try:
        return terms_of(order)
    except EscrowError:
        return None


def _fold(desk: Desk, job: Signed[Job], documents: list[Signed[Any]], enrollments: Enrollments) -> Order:
    order = fold(job, documents, enrollments)
    evidence = evidence_of(desk, order)
    return order if evidence == NO_EVIDENCE else fold(job, documents, enrollments, evidence)


def evidence_of(desk: Desk, order: Order) -> Evidence:
    """What was last seen of an order on the chain, held against its terms."""
    terms = terms_if_any(order)
    if terms is None:
        return NO_EVIDENCE
    outputs = desk.store.escrow_outputs(order.id)
    payments = desk.store.payments(order.id)
    funded, paid = [], []
    for purse in terms.purses:
        name = purse.escrow.purse.value
        needed = confirmations_needed(purse.amount, desk.network)
        output, payment = outputs.get(name), payments.get(name)
        is_funded = output is not None and output.amount == purse.amount and output.confirmations >= needed
        funded.append(is_funded or payment is not None)
        paid.append(payment is not None and payment.confirmations >= needed)
    return Evidence(funded=all(funded), primary_paid=paid[0], mediator_paid=paid[1])
