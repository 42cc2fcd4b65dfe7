"""The order machine: verified documents and what the chain shows, folded into a state.

Pure: the same answer in whatever order the documents arrived. An order is identified by the id of its job document,
and every document of it names that id and the one it answers, so a Job ID somebody else also uses captures nothing.

    bid.previous = job                    settlement.previous, refund.previous = offer
    offer.previous = one bid              dispute.previous = offer, a delivery or an acceptance
    delivery.previous = offer, or an      resolution.previous = one dispute
        earlier delivery                  accept resolution.previous = one resolution
    accept.previous = one delivery        rating.previous = offer
    message.previous, disclosure.previous = anything said here
    sealed bid.previous = job

Messages, disclosures and sealed bids belong to an order and move nothing. A sealed bid holds a bid for the creator
alone, which counts as any other wherever it is known.

A document that is well signed but that its author may not write here, or that answers something that is not here, is
kept in `Order.rejected` with the reason, and changes nothing.

Whatever binds a party in the contract is signed by the party's escrow key as well, from the job and the bid that
introduce these keys to the rating (`EscrowSigned`). So no document undoes what others have relied on:

- what an escrow key has signed stands, whatever delegate is revoked and whoever inherits the identity;
- a revoked delegate's bid stands once the creator's offer answers it, and a job once somebody else's bid does;
- only what nobody has answered falls by a revocation: a job, a bid, a message.

    states.py      the state machine: what moves an order from which state to which
    order.py       what a fold comes to
    rules.py       who may say what
    candidates.py  the documents that name one job, taken out type by type
    fold.py        documents, enrollments and what the chain shows -> Order
"""

from __future__ import annotations

from rein.protocol.enums import State
from rein.protocol.orders.fold import fold
from rein.protocol.orders.order import NO_EVIDENCE, Evidence, Order, Rejected
from rein.protocol.orders.rules import check_job
from rein.protocol.orders.states import TRANSITIONS, Trigger, run

__all__ = [
    "State",
    "Trigger",
    "TRANSITIONS",
    "run",
    "Evidence",
    "NO_EVIDENCE",
    "Order",
    "Rejected",
    "check_job",
    "fold",
]
