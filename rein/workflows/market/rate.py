"""Rating somebody one had a job with."""

from __future__ import annotations

from dataclasses import dataclass

from rein.errors import OrderError
from rein.protocol.documents import Rating, Role
from rein.protocol.orders import Order
from rein.workflows.chain.current import observe_if_possible
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order, my_orders, roles_in
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session


@dataclass(frozen=True)
class RatingPlan:
    """A rating as it will be signed."""

    order: Order
    document: Rating


def orders_to_rate(session: Session) -> list[Order]:
    """Jobs of mine that are over and in which I can still rate somebody."""
    return [order for order in my_orders(session).orders if order.is_over and unrated_roles(session, order)]


def order_to_rate(session: Session, name: str) -> Order:
    """The order of that name after asking the servers, and the chain unless it is known to be over.

    :raises NotFoundError: there is none.
    """
    _ = session.identity
    pull(session)
    order = find_order(session, name)
    if order.is_over:
        return order
    observe_if_possible(session, [order])
    return find_order(session, name)


def unrated_roles(session: Session, order: Order) -> list[Role]:
    """Whom I can still rate in an order."""
    mine = roles_in(order, session.address)
    done = {
        each.document.rated_role
        for each in (*order.ratings, *order.void_ratings)
        if each.document.master_address == session.address
    }
    return [role for role in Role if mine and role not in mine and role not in done]


def prepare(session: Session, order: Order, rated: Role, value: int, comment: str | None) -> RatingPlan:
    """The rating of somebody in a job that is over.

    :param value: 0 to 5, the best.
    :raises OrderError: the job is not over, or I have no part in it, or have rated that person already.
    """
    job_id, offer, master = order.job.document.job_id, order.offer, order.master_address(rated)
    if not order.is_over or offer is None or master is None:
        raise OrderError(
            f"the job {job_id} is {order.state.value}; people are rated when it is over",
            hint="Look at the chain: rein sync",
        )
    roles = roles_in(order, session.address)
    if not roles:
        raise OrderError(f"you have no part in the job {job_id}")
    if rated in roles:
        raise OrderError("nobody rates themselves")
    if rated not in unrated_roles(session, order):
        raise OrderError(f"you have rated the {rated.value} of this job already")
    row = session.identity
    document = Rating(
        **belongs_to(session, order, offer.id),
        role=next(iter(roles)),
        delegate_address=row.delegate_address,
        master_address=row.master_address,
        rated_role=rated,
        rated_master_address=master,
        rating=value,
        comment=comment,
    )
    return RatingPlan(order, document)


def commit(session: Session, plan: RatingPlan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly this rating and put it into the outbox.

    :raises OrderError: it would contradict an earlier one.
    """
    return write(session, sign_answer(session, plan.order, plan.document), dry_run=dry_run)
