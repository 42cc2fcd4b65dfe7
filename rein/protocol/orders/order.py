"""What a fold comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.errors import ReinError
from rein.protocol.documents import (
    AcceptDelivery,
    AcceptResolution,
    Bid,
    Delivery,
    Dispute,
    DisputeResolution,
    Job,
    Offer,
    Rating,
    Refund,
    Role,
    SealedBid,
    SealedDocument,
    Settlement,
)
from rein.protocol.enums import State
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId


@dataclass(frozen=True)
class Evidence:
    """What the chain shows of an order, found and checked by `rein.escrow`.

    `funded`: both escrows hold, or held, what the offer says. `primary_paid`, `mediator_paid`: the payment from that
    escrow is confirmed. `refunded`: the payment from the primary escrow is that of a refund.
    """

    funded: bool = False
    primary_paid: bool = False
    mediator_paid: bool = False
    refunded: bool = False


NO_EVIDENCE = Evidence()


@dataclass(frozen=True)
class Rejected:
    """A document that changes nothing in the order it names, and why."""

    document: Signed[Any]
    reason: ReinError


@dataclass(frozen=True, kw_only=True)
class Order:
    """A job with everything that was rightly said in it.

    `offer` is the one that counts; where the creator signed several it is the selected one, out of `conflict`, and
    what answers another of them is not here. Of `ratings` there is one for each rater and rated; `void_ratings` are
    those in which somebody rates the same person twice and differently.
    """

    job: Signed[Job]
    state: State
    evidence: Evidence
    bids: tuple[Signed[Bid], ...]
    offer: Signed[Offer] | None
    bid: Signed[Bid] | None
    sealed_bids: tuple[Signed[SealedBid], ...]
    deliveries: tuple[Signed[Delivery], ...]
    acceptance: Signed[AcceptDelivery] | None
    settlements: tuple[Signed[Settlement], ...]
    refunds: tuple[Signed[Refund], ...]
    disputes: tuple[Signed[Dispute], ...]
    resolutions: tuple[Signed[DisputeResolution], ...]
    accepted_resolutions: tuple[Signed[AcceptResolution], ...]
    messages: tuple[Signed[SealedDocument], ...]
    ratings: tuple[Signed[Rating], ...]
    void_ratings: tuple[Signed[Rating], ...]
    conflict: tuple[Signed[Any], ...]
    rejected: tuple[Rejected, ...]

    @property
    def id(self) -> DocumentId:
        """The id of the job document."""
        return self.job.id

    @property
    def contract_id(self) -> DocumentId:
        """What names the money of an order: the selected offer, or the job while there is none."""
        return self.job.id if self.offer is None else self.offer.id

    @property
    def unopened_bids(self) -> tuple[Signed[SealedBid], ...]:
        """The sealed bids whose bids are not known here."""
        known = {each.id for each in self.bids}
        return tuple(each for each in self.sealed_bids if each.document.bid not in known)

    @property
    def delivery(self) -> Signed[Delivery] | None:
        """The delivery that was accepted, or else the last one."""
        if self.acceptance is not None:
            accepted = self.acceptance.document.previous
            return next(each for each in self.deliveries if each.id == accepted)
        return self.deliveries[-1] if self.deliveries else None

    @property
    def acceptances(self) -> tuple[Signed[AcceptDelivery], ...]:
        """Every acceptance the creator signed. Of several none counts, but each carries payments that they signed: what
        they owe by one of them they cannot take back by signing another."""
        if self.acceptance is not None:
            return (self.acceptance,)
        return tuple(each for each in self.conflict if isinstance(each.document, AcceptDelivery))

    @property
    def is_over(self) -> bool:
        """Whether the money has reached those it was for."""
        return self.state.is_over

    def master_address(self, role: Role) -> str | None:
        """The identity in a role; None for the worker while there is no offer."""
        if role is Role.CREATOR:
            return self.job.document.creator_master_address
        if role is Role.MEDIATOR:
            return self.job.document.mediator_master_address
        return None if self.bid is None else self.bid.document.worker_master_address

    def documents(self) -> tuple[Signed[Any], ...]:
        """Every document that counts, in the order of the story. Conflicting ones stand in `conflict` only."""
        conflict = set(self.conflict)
        single = [self.offer] if self.offer is not None and self.offer not in conflict else []
        resolutions = [each for each in self.resolutions if each not in conflict]
        after = [self.acceptance] if self.acceptance else []
        return (
            self.job,
            *self.sealed_bids,
            *self.bids,
            *single,
            *self.deliveries,
            *self.disputes,
            *after,
            *self.settlements,
            *self.refunds,
            *resolutions,
            *self.accepted_resolutions,
            *self.messages,
            *self.ratings,
        )

    def all_documents(self) -> tuple[Signed[Any], ...]:
        """Every document said in this order: those that count, then those that contradict each other, then those
        rejected."""
        return (*self.documents(), *self.conflict, *self.void_ratings, *(each.document for each in self.rejected))
