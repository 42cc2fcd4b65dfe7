"""What somebody has to do next in an order, in words."""

from __future__ import annotations

from collections.abc import Mapping

from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.store.store import Payment
from rein.workflows.cases import roles_in

_STEPS: Mapping[State, Mapping[Role, str]] = {
    State.POSTED: {Role.CREATOR: "wait for bids"},
    State.BID: {Role.CREATOR: "choose a bid: rein offer", Role.WORKER: "wait for the job creator's offer"},
    State.OFFERED: {Role.CREATOR: "pay into escrow: rein fund", Role.WORKER: "wait until both escrows are funded"},
    State.FUNDED: {Role.CREATOR: "wait for the delivery", Role.WORKER: "do the work, then: rein deliver"},
    State.DELIVERED: {
        Role.CREATOR: "look at the delivery, then: rein accept",
        Role.WORKER: "wait for the job creator to accept",
    },
    State.DISPUTED: {
        Role.CREATOR: "wait for the mediator, or agree: rein settle",
        Role.WORKER: "wait for the mediator, or agree: rein settle",
        Role.MEDIATOR: "decide the dispute: rein resolve",
    },
    State.ACCEPTED: {
        Role.CREATOR: "nothing; the others collect their money",
        Role.WORKER: "collect your money: rein collect",
        Role.MEDIATOR: "collect your fee: rein collect",
    },
    State.RESOLVED: {
        Role.CREATOR: "the mediator has decided: rein acceptresolution",
        Role.WORKER: "the mediator has decided: rein acceptresolution",
        Role.MEDIATOR: "collect your fee: rein collect",
    },
    State.SETTLED: dict.fromkeys(Role, "nothing; everybody is paid"),
    State.REFUNDED: dict.fromkeys(Role, "nothing; the money went back"),
    State.FROZEN: {
        Role.CREATOR: "two documents contradict each other: settle or refund, or wait for the mediator",
        Role.WORKER: "two documents contradict each other: call the mediator: rein workerdispute",
        Role.MEDIATOR: "two documents contradict each other: rein resolve, if one disputes",
    },
}

_PURSE_OF = {Role.WORKER: "primary", Role.MEDIATOR: "mediator"}


def next_step(order: Order, address: str, payments: Mapping[str, Payment]) -> str:
    """One sentence for the identity with this master address."""
    roles = roles_in(order, address)
    for role in (Role.CREATOR, Role.WORKER, Role.MEDIATOR):
        if role in roles:
            return _next(order, role, payments)
    return "nothing; it went to somebody else" if order.offer else "nothing"


def _next(order: Order, role: Role, payments: Mapping[str, Payment]) -> str:
    if order.is_over:
        return _STEPS[order.state][role]
    if _PURSE_OF.get(role, "primary") in payments:
        return "wait for the payment to be confirmed"
    if role is Role.MEDIATOR and "primary" in payments:
        return "collect your fee: rein collect"
    if order.acceptances and order.state is State.FROZEN and role in _PURSE_OF:
        return _STEPS[State.ACCEPTED][role]
    waiting = _proposal_for(order, role)
    step = _STEPS[order.state].get(role, "nothing now")
    return f"{waiting}; or {step}" if waiting else step


def _proposal_for(order: Order, role: Role) -> str:
    """Whether somebody's settlement or refund waits for this role."""
    settled = role is not Role.MEDIATOR and any(each.document.role is not role for each in order.settlements)
    refunded = any(
        role is not each.document.role and Role.CREATOR in (role, each.document.role) for each in order.refunds
    )
    if settled or refunded:
        return "a proposal waits for you: rein agree"
    return ""
