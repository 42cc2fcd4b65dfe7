"""What somebody has to do next in an order, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.orders.load import my_orders, roles_in
from rein.workflows.orders.money_step import money_step
from rein.workflows.orders.step import Step, Turn, act, nothing, wait
from rein.workflows.session import Session

_STEPS: Mapping[State, Mapping[Role, Step]] = {
    State.POSTED: {Role.CREATOR: wait("wait for bids")},
    State.BID: {
        Role.CREATOR: act("choose a bid: rein offer"),
        Role.WORKER: wait("wait for the job creator's offer"),
    },
    State.OFFERED: {
        Role.CREATOR: act("pay into escrow: rein fund"),
        Role.WORKER: wait("wait until both escrows are funded"),
    },
    State.FUNDED: {
        Role.CREATOR: wait("wait for the delivery"),
        Role.WORKER: act("do the work, then: rein deliver"),
    },
    State.DELIVERED: {
        Role.CREATOR: act("look at the delivery, then: rein accept"),
        Role.WORKER: wait("wait for the job creator to accept"),
    },
    State.DISPUTED: {
        Role.CREATOR: wait("wait for the mediator, or agree: rein settle"),
        Role.WORKER: wait("wait for the mediator, or agree: rein settle"),
        Role.MEDIATOR: act("decide the dispute: rein resolve"),
    },
    State.ACCEPTED: {
        Role.CREATOR: nothing("nothing; the others collect their money"),
        Role.WORKER: act("collect your money: rein collect"),
        Role.MEDIATOR: act("collect your fee: rein collect"),
    },
    State.RESOLVED: {
        Role.CREATOR: act("the mediator has decided: rein acceptresolution"),
        Role.WORKER: act("the mediator has decided: rein acceptresolution"),
        Role.MEDIATOR: act("collect your fee: rein collect"),
    },
    State.SETTLED: dict.fromkeys(Role, nothing("nothing; everybody is paid")),
    State.REFUNDED: dict.fromkeys(Role, nothing("nothing; the money went back")),
    State.FROZEN: {
        Role.CREATOR: act("two documents contradict each other: settle or refund, or wait for the mediator"),
        Role.WORKER: act("two documents contradict each other: open a dispute: rein workerdispute"),
        Role.MEDIATOR: act("two documents contradict each other: rein resolve, if one disputes"),
    },
}

_UNOPENED = "open the sealed bids: rein bids --unseal; and choose: rein offer"

_PURSE_OF = {Role.WORKER: "primary", Role.MEDIATOR: "mediator"}


def next_step_of(session: Session, order: Order) -> Step:
    """The step of the identity, as the chain was last seen."""
    store = session.store
    return next_step(
        order, session.address, store.escrows.payments(order.contract_id), store.escrows.outputs(order.contract_id)
    )


def orders_with_money(session: Session) -> list[Order]:
    """Jobs that are not over, or whose escrows still hold what is worth a payment: those that one can give back."""
    mine = [order for order in my_orders(session).orders if order.offer is not None]
    return [order for order in mine if not order.is_over or next_step_of(session, order).due is not Turn.NOTHING]


def next_step(
    order: Order, address: str | None, payments: Mapping[str, Payment], outputs: Sequence[EscrowOutput] = ()
) -> Step:
    """The step of the identity with this master address, whatever the time.

    :param outputs: what the escrows held when they were last seen.
    """
    roles = roles_in(order, address)
    for role in (Role.CREATOR, Role.WORKER, Role.MEDIATOR):
        if role in roles:
            return _next(order, role, payments, outputs)
    return nothing("nothing; it went to somebody else" if order.offer else "nothing")


def _next(order: Order, role: Role, payments: Mapping[str, Payment], outputs: Sequence[EscrowOutput]) -> Step:
    of_money = money_step(order, role, payments, outputs)
    if order.is_over:
        return of_money or _STEPS[order.state][role]
    if _PURSE_OF.get(role, "primary") in payments:
        if order.evidence.mediator_paid if role is Role.MEDIATOR else order.evidence.primary_paid:
            return nothing("nothing; the other escrow is still to be paid out")
        return wait("wait for the payment to be confirmed")
    if role is Role.MEDIATOR and "primary" in payments:
        return act("collect your fee: rein collect")
    if order.acceptances and order.state is State.FROZEN and role in _PURSE_OF:
        return _STEPS[State.ACCEPTED][role]
    if role is Role.CREATOR and order.offer is None and order.unopened_bids:
        return act(_UNOPENED)
    waiting = _proposal_for(order, role)
    step = of_money or _STEPS[order.state].get(role, nothing("nothing now"))
    return act(f"{waiting}; or {step.text}") if waiting else step


def _proposal_for(order: Order, role: Role) -> str:
    """Whether somebody's settlement or refund waits for this role."""
    settled = role is not Role.MEDIATOR and any(each.document.role is not role for each in order.settlements)
    refunded = any(
        role is not each.document.role and Role.CREATOR in (role, each.document.role) for each in order.refunds
    )
    if settled or refunded:
        return "a proposal waits for you: rein agree"
    return ""
