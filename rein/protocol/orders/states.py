"""The state machine of an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from rein.protocol.enums import State


class Trigger(Enum):
    """What moves an order: a document, or something the chain shows."""

    BID = "bid"
    OFFER = "offer"
    FUNDING = "funding"
    DELIVERY = "delivery"
    DISPUTE = "dispute"
    ACCEPTANCE = "acceptance"
    RESOLUTION = "resolution"
    CONFLICT = "conflict"
    PAYMENT = "payment"
    REFUND = "refund"


_OFFERED_AND_OPEN = (State.OFFERED, State.FUNDED, State.DELIVERED)
_FROM_OFFER_TO_END = (*_OFFERED_AND_OPEN, State.DISPUTED, State.ACCEPTED, State.RESOLVED, State.FROZEN)

TRANSITIONS: Mapping[tuple[State, Trigger], State] = {
    (State.POSTED, Trigger.BID): State.BID,
    (State.BID, Trigger.OFFER): State.OFFERED,
    (State.OFFERED, Trigger.FUNDING): State.FUNDED,
    (State.FUNDED, Trigger.DELIVERY): State.DELIVERED,
    **{(state, Trigger.DISPUTE): State.DISPUTED for state in (*_OFFERED_AND_OPEN, State.ACCEPTED)},
    (State.DELIVERED, Trigger.ACCEPTANCE): State.ACCEPTED,
    (State.DISPUTED, Trigger.ACCEPTANCE): State.ACCEPTED,
    (State.DISPUTED, Trigger.RESOLUTION): State.RESOLVED,
    **{
        (state, Trigger.CONFLICT): State.FROZEN
        for state in (State.BID, *_OFFERED_AND_OPEN, State.DISPUTED, State.RESOLVED)
    },
    **{(state, Trigger.PAYMENT): State.SETTLED for state in _FROM_OFFER_TO_END},
    **{(state, Trigger.REFUND): State.REFUNDED for state in _FROM_OFFER_TO_END},
}
"""The whole machine. A trigger that has no row for a state leaves the state as it is."""


def run(triggers: Iterable[Trigger]) -> State:
    """The state after these triggers, one after the other."""
    state = State.POSTED
    for trigger in triggers:
        state = TRANSITIONS.get((state, trigger), state)
    return state
