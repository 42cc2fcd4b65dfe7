"""Delivering what was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rein.errors import InputError, OrderError
from rein.escrow.contract import EscrowKind
from rein.escrow.funding import Verdict
from rein.protocol.documents import Delivery, Role
from rein.protocol.orders import Order, State
from rein.workflows.chain.current import current_order
from rein.workflows.chain.view import ChainView, observe
from rein.workflows.evidence.case_export import attachment
from rein.workflows.orders.load import can_deliver, find_order, my_orders, require_role, roles_in
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session


class MoneyAtRiskError(OrderError):
    """What is in escrow could go another way; it can be delivered all the same."""


def orders_to_deliver(session: Session) -> list[Order]:
    """Funded jobs on which I work; if none is, those that wait for it, so that the refusal tells what is missing.

    :raises OrderError: there is none, and a bid of mine waits for the job creator.
    """
    mine = [order for order in my_orders(session).orders if Role.WORKER in roles_in(order, session.address)]
    found = [order for order in mine if can_deliver(order)] or [each for each in mine if each.state is State.OFFERED]
    waiting = [order.job.document.job_id for order in mine if order.state in (State.POSTED, State.BID)]
    if waiting and not found:
        raise OrderError(f"no job was given to you yet: your bid on {waiting[-1]} waits for its creator to choose")
    return found


def deliverable_order(session: Session, name: str, *, anyway: bool = False) -> Order:
    """The order of that name, after asking the servers and the chain, if it can be delivered.

    :raises OrderError: as `require_deliverable`.
    """
    return require_deliverable(session, current_order(session, name), anyway=anyway)


def require_deliverable(session: Session, order: Order, *, anyway: bool = False) -> Order:
    """The order after a look at the chain, if the worker's money is there and nobody else can take it.

    :param anyway: deliver although others could end the job by what is signed already, as long as not one of them
        alone can take back what the creator paid in.
    :raises OrderError: not the worker; the escrows are not funded, with what is missing; or somebody can take it.
    """
    require_role(order, session.address, Role.WORKER)
    seen = observe(session, order)
    order = find_order(session, order.contract_id)
    job_id = order.job.document.job_id
    if seen is None or not can_deliver(order):
        refusal = f"the job {job_id} is {order.state.value}; deliver when both escrows are funded"
        if seen is not None and order.state is State.OFFERED:
            raise OrderError(f"{refusal}: {_missing(seen)}", hint=_UNTIL)
        raise OrderError(refusal, job_id=job_id)
    takers = [claim for each in seen.funding.of_kind(EscrowKind.PRICE) for claim in each.takers_without(Role.WORKER)]
    claimed = [each.given_back[0] for each in seen.funding.escrows if each.verdict is Verdict.CLAIMED]
    claimed += [each for each in takers if each.author is Role.MEDIATOR]  # it needs the creator alone
    if claimed and not order.deliveries:
        raise OrderError(
            f"the creator can take the money of the job {job_id} by the {claimed[0]}, whatever you deliver",
            hint="Deliver when enough is there beside it, or open a dispute.",
        )
    if not order.deliveries and not seen.funding.complete:
        raise OrderError(f"the job {job_id} cannot be delivered yet: {_missing(seen)}", hint=_UNTIL)
    if takers and not anyway:
        message = f"the money of the job {job_id} can go another way without you, by the {takers[0]}"
        raise MoneyAtRiskError(message, job_id=job_id)
    return order


_UNTIL = "What is not in a block can still be replaced by whoever paid it, and does not count."


def _missing(seen: ChainView) -> str:
    return "; ".join(str(each) for each in seen.funding.escrows if each.verdict is not Verdict.COMPLETE)


def _named(files: Iterable[Path]) -> str:
    """Files as a delivery names them: a line each, by name, size and hash. They are handed over some other way.

    :raises InputError: one cannot be read, or has a name that would not stay on its line.
    """
    found = [attachment(path) for path in files]
    for each in found:
        if not each.name.isprintable():
            raise InputError(f"the file name {each.name!r} holds what cannot be shown", hint="Give it another name.")
    return "\n".join(f"file {each.name}, {each.size} bytes, sha256 {each.sha256}" for each in found)


@dataclass(frozen=True)
class DeliveryPlan:
    """A delivery before it is signed. It answers the offer, or replaces the delivery before it."""

    order: Order
    document: Delivery


def prepare(
    session: Session, order: Order, text: str, files: Iterable[Path] = (), *, anyway: bool = False
) -> DeliveryPlan:
    """The delivery as it will be signed, after a look at the chain.

    :param files: named in it; they are handed over some other way.
    :param anyway: see `require_deliverable`.
    :raises OrderError: not the worker, the escrows are not funded, or somebody else can take what is in them.
    :raises InputError: a file cannot be read, or cannot be named.
    """
    order = require_deliverable(session, order, anyway=anyway)
    if order.offer is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts")
    row = session.identity
    earlier = order.delivery
    delivery = Delivery(
        **belongs_to(session, order, earlier.id if earlier else order.offer.id),
        deliverables="\n".join(each for each in (text, _named(files)) if each),
        worker_delegate_address=row.delegate_address,
        worker_master_address=row.master_address,
    )
    return DeliveryPlan(order, delivery)


def commit(session: Session, plan: DeliveryPlan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly this delivery and put it into the outbox.

    :raises OrderError: it would not count any more.
    """
    return write(session, sign_answer(session, plan.order, plan.document), dry_run=dry_run)
