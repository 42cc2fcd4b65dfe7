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
    State.ACCEPTED: {
        Role.CREATOR: "nothing; the others collect their money",
        Role.WORKER: "collect your money: rein collect",
        Role.MEDIATOR: "collect your fee: rein collect",
    },
    State.SETTLED: dict.fromkeys(Role, "nothing; everybody is paid"),
    State.FROZEN: dict.fromkeys(Role, "nothing counts any more: the job creator signed twice"),
}

_PURSE_OF = {Role.WORKER: "primary", Role.MEDIATOR: "mediator"}


def next_step(order: Order, address: str, payments: Mapping[str, Payment]) -> str:
    """One sentence for the identity with this master address."""
    roles = roles_in(order, address)
    for role in (Role.CREATOR, Role.WORKER, Role.MEDIATOR):
        if role in roles:
            owing = State.ACCEPTED if order.acceptances and order.state is State.FROZEN else order.state
            if owing is State.ACCEPTED and _PURSE_OF.get(role) in payments:
                return "wait for your payment to be confirmed"
            if owing is not order.state and role in _PURSE_OF:
                return _STEPS[owing][role]
            return _STEPS[order.state].get(role, "nothing now")
    return "nothing; it went to somebody else" if order.offer else "nothing"
