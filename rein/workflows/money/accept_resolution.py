"""Accepting the mediator's decision: the second signature on its payments, and sending them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.errors import OrderError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import sign_payout
from rein.escrow.proposals import Ending
from rein.protocol.documents import AcceptResolution, DisputeResolution, Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.tables.escrows import Payment
from rein.workflows.chain.view import chain_view_of
from rein.workflows.money.completion import CompletionPlan, OnSent, Refusal, ignore, ready_payments, send_each
from rein.workflows.money.payouts import role_of
from rein.workflows.money.plan import require_unchanged
from rein.workflows.orders.job_keys import escrow_key
from rein.workflows.orders.load import open_orders, require_open, roles_in
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session


def orders_to_accept_resolution(session: Session) -> list[Order]:
    """Jobs of mine that the mediator has decided."""
    return [
        order
        for order in open_orders(session)
        if order.resolutions and roles_in(order, session.address) & {Role.CREATOR, Role.WORKER}
    ]


@dataclass(frozen=True)
class ResolutionAcceptancePlan(CompletionPlan):
    """The payments of a decision that are not made yet; that of the price is among them."""

    @property
    def decision(self) -> Signed[DisputeResolution]:
        """What is accepted."""
        return next(each for each in self.ready if each.payout.terms.kind is EscrowKind.PRICE).proposal.document


@dataclass(frozen=True)
class ResolutionAcceptanceResult:
    """The acceptance, and what was sent with it; nothing after a dry run."""

    written: DocumentResult
    plan: ResolutionAcceptancePlan
    sent: tuple[Payment, ...]

    def json(self) -> dict[str, Any]:
        payments = [each.json() for each in self.plan.payouts]
        return self.written.json() | {"sent": bool(self.sent), "payments": payments}


def prepare(session: Session, order: Order) -> ResolutionAcceptancePlan:
    """The payments of the mediator's decision, held against the documents and the chain: all, or what of them is not
    paid yet. The decision the identity is to accept is the last one.

    :raises OrderError: there is none, or it is carried out.
    :raises EscrowError: a payment is not as agreed.
    """
    role = role_of(session, order, Role.CREATOR, Role.WORKER)
    require_open(order)
    if not order.resolutions:
        raise OrderError(f"the mediator has not decided the job {order.job.document.job_id}")
    if set(order.resolutions) & set(order.conflict):
        raise OrderError(
            f"the mediator has decided the job {order.job.document.job_id} twice, and differently: neither counts",
            hint="Agree with the other.",
        )
    view = chain_view_of(session, order)
    decided = {each.id for each in order.resolutions}
    proposals = [each for each in view.proposals if each.ending is Ending.RESOLUTION and each.document.id in decided]
    ready, refused = ready_payments(order, view, role, reversed(proposals))
    if any(each.payout.terms.kind is EscrowKind.PRICE for each in ready):
        return ResolutionAcceptancePlan(order, tuple(ready))
    Refusal.raise_first([each for each in refused if each.proposal.terms.kind is EscrowKind.PRICE])
    raise OrderError(f"the decision on the job {order.job.document.job_id} is carried out already")


def commit(
    session: Session, plan: ResolutionAcceptancePlan, *, dry_run: bool = False, on_sent: OnSent = ignore
) -> ResolutionAcceptanceResult:
    """Sign the acceptance with exactly these payments, store it, and only then send them.

    :raises OrderError: the acceptance would not count.
    :raises EscrowError: the chain does not hold any more what they spend.
    :raises RejectedError: the network's rules refuse one.
    """
    written = write(session, sign(session, plan), dry_run=dry_run)
    sent = () if dry_run else tuple(send_each(session, plan.ready, on_sent))
    return ResolutionAcceptanceResult(written, plan, sent)


def sign(session: Session, plan: ResolutionAcceptancePlan) -> Signed[AcceptResolution]:
    """The signed acceptance, with this person's signature on the payments of the decision that are still to be made.
    The mediator may have been paid already, by the payment in the dispute. Where sending them was interrupted, it is
    the acceptance that was signed then."""
    order, decided = plan.order, plan.decision.id
    for each in order.accepted_resolutions:
        if each.document.master_address == session.address and each.document.previous == decided:
            return each
    role = plan.ready[0].role
    require_unchanged(session, order, role, plan.payouts)
    key = escrow_key(session, order, role)
    texts = {each.escrow_id: sign_payout(each.payout, key).to_base64() for each in plan.ready}
    return sign_as(session, order, role, AcceptResolution, decided, **psbt_fields(texts))
