"""What somebody has to do next in an order, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.store.store import Payment
from rein.workflows.cases import roles_in
from rein.workflows.due import Due


@dataclass(frozen=True)
class Step:
    """What is next for one person, in a sentence, and whether it is that person's turn."""

    due: Due
    text: str


def _act(text: str) -> Step:
    return Step(Due.ACT, text)


def _wait(text: str) -> Step:
    return Step(Due.WAIT, text)


def _nothing(text: str) -> Step:
    return Step(Due.NOTHING, text)


_STEPS: Mapping[State, Mapping[Role, Step]] = {
    State.POSTED: {Role.CREATOR: _wait("wait for bids")},
    State.BID: {
        Role.CREATOR: _act("choose a bid: rein offer"),
        Role.WORKER: _wait("wait for the job creator's offer"),
    },
    State.OFFERED: {
        Role.CREATOR: _act("pay into escrow: rein fund"),
        Role.WORKER: _wait("wait until both escrows are funded"),
    },
    State.FUNDED: {
        Role.CREATOR: _wait("wait for the delivery"),
        Role.WORKER: _act("do the work, then: rein deliver"),
    },
    State.DELIVERED: {
        Role.CREATOR: _act("look at the delivery, then: rein accept"),
        Role.WORKER: _wait("wait for the job creator to accept"),
    },
    State.DISPUTED: {
        Role.CREATOR: _wait("wait for the mediator, or agree: rein settle"),
        Role.WORKER: _wait("wait for the mediator, or agree: rein settle"),
        Role.MEDIATOR: _act("decide the dispute: rein resolve"),
    },
    State.ACCEPTED: {
        Role.CREATOR: _nothing("nothing; the others collect their money"),
        Role.WORKER: _act("collect your money: rein collect"),
        Role.MEDIATOR: _act("collect your fee: rein collect"),
    },
    State.RESOLVED: {
        Role.CREATOR: _act("the mediator has decided: rein acceptresolution"),
        Role.WORKER: _act("the mediator has decided: rein acceptresolution"),
        Role.MEDIATOR: _act("collect your fee: rein collect"),
    },
    State.SETTLED: dict.fromkeys(Role, _nothing("nothing; everybody is paid")),
    State.REFUNDED: dict.fromkeys(Role, _nothing("nothing; the money went back")),
    State.FROZEN: {
        Role.CREATOR: _act("two documents contradict each other: settle or refund, or wait for the mediator"),
        Role.WORKER: _act("two documents contradict each other: call the mediator: rein workerdispute"),
        Role.MEDIATOR: _act("two documents contradict each other: rein resolve, if one disputes"),
    },
}

_UNOPENED = "open the sealed bids: rein bids --unseal; and choose: rein offer"

_PURSE_OF = {Role.WORKER: "primary", Role.MEDIATOR: "mediator"}


def next_step(order: Order, address: str, payments: Mapping[str, Payment]) -> Step:
    """The step of the identity with this master address, whatever the time."""
    roles = roles_in(order, address)
    for role in (Role.CREATOR, Role.WORKER, Role.MEDIATOR):
        if role in roles:
            return _next(order, role, payments)
    return _nothing("nothing; it went to somebody else" if order.offer else "nothing")


def _next(order: Order, role: Role, payments: Mapping[str, Payment]) -> Step:
    if order.is_over:
        return _STEPS[order.state][role]
    if _PURSE_OF.get(role, "primary") in payments:
        if order.evidence.mediator_paid if role is Role.MEDIATOR else order.evidence.primary_paid:
            return _nothing("nothing; the other escrow is still to be paid out")
        return _wait("wait for the payment to be confirmed")
    if role is Role.MEDIATOR and "primary" in payments:
        return _act("collect your fee: rein collect")
    if order.acceptances and order.state is State.FROZEN and role in _PURSE_OF:
        return _STEPS[State.ACCEPTED][role]
    if role is Role.CREATOR and order.offer is None and order.unopened_bids:
        return _act(_UNOPENED)
    waiting = _proposal_for(order, role)
    step = _STEPS[order.state].get(role, _nothing("nothing now"))
    return _act(f"{waiting}; or {step.text}") if waiting else step


def _proposal_for(order: Order, role: Role) -> str:
    """Whether somebody's settlement or refund waits for this role."""
    settled = role is not Role.MEDIATOR and any(each.document.role is not role for each in order.settlements)
    refunded = any(
        role is not each.document.role and Role.CREATOR in (role, each.document.role) for each in order.refunds
    )
    if settled or refunded:
        return "a proposal waits for you: rein agree"
    return ""
