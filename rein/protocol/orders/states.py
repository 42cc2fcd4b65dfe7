"""The state machine of an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from rein.protocol.enums import State


class Event(Enum):
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

TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.POSTED, Event.BID): State.BID,
    (State.BID, Event.OFFER): State.OFFERED,
    (State.OFFERED, Event.FUNDING): State.FUNDED,
    (State.FUNDED, Event.DELIVERY): State.DELIVERED,
    **{(state, Event.DISPUTE): State.DISPUTED for state in (*_OFFERED_AND_OPEN, State.ACCEPTED)},
    (State.DELIVERED, Event.ACCEPTANCE): State.ACCEPTED,
    (State.DISPUTED, Event.ACCEPTANCE): State.ACCEPTED,
    (State.DISPUTED, Event.RESOLUTION): State.RESOLVED,
    **{
        (state, Event.CONFLICT): State.FROZEN
        for state in (State.BID, *_OFFERED_AND_OPEN, State.DISPUTED, State.RESOLVED)
    },
    **{(state, Event.PAYMENT): State.SETTLED for state in _FROM_OFFER_TO_END},
    **{(state, Event.REFUND): State.REFUNDED for state in _FROM_OFFER_TO_END},
}
"""The whole machine. An event that has no row for a state leaves the state as it is."""


def run(events: Iterable[Event]) -> State:
    """The state after these events."""
    state = State.POSTED
    for event in events:
        state = TRANSITIONS.get((state, event), state)
    return state
