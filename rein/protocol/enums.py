"""The types of documents, the roles of people and the states of an order. Apart from the documents, which lists and
`rein status` need not load."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """The type of a document. The values are what APIs and databases call it."""

    ENROLLMENT = "enrollment"
    JOB = "job"
    BID = "bid"
    SEALED_BID = "sealedbid"
    OFFER = "offer"
    DELIVERY = "delivery"
    ACCEPT = "accept"
    SETTLEMENT = "settlement"
    REFUND = "refund"
    CREATOR_DISPUTE = "creatordispute"
    WORKER_DISPUTE = "workerdispute"
    RESOLUTION = "resolution"
    ACCEPT_RESOLUTION = "acceptresolution"
    MESSAGE = "message"
    DISCLOSURE = "disclosure"
    RATING = "rating"


class Role(Enum):
    """What a person is in a job."""

    CREATOR = "creator"
    MEDIATOR = "mediator"
    WORKER = "worker"


class State(Enum):
    """Where an order stands. docs/orders.md has the picture."""

    POSTED = "posted"
    BID = "bid"
    OFFERED = "offered"
    FUNDED = "funded"
    DELIVERED = "delivered"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    SETTLED = "settled"
    REFUNDED = "refunded"
    FROZEN = "frozen"

    @property
    def is_over(self) -> bool:
        """Whether the money has reached those it was for."""
        return self in (State.SETTLED, State.REFUNDED)

    @property
    def takes_bids(self) -> bool:
        """Whether nobody has got the job yet."""
        return self in (State.POSTED, State.BID)
