"""Rein Dispute Delivery and Rein Dispute Offer: the creator, or the worker, calls the mediator."""

from __future__ import annotations

from dataclasses import dataclass

from rein.protocol.documents.base import Kind, Role
from rein.protocol.documents.party import ContractDocument
from rein.protocol.fields import line
from rein.protocol.values import PSBT, TEXT


@dataclass(frozen=True, kw_only=True)
class Dispute(ContractDocument):
    """Answers what is disputed: the offer, a delivery, or an acceptance that pays nothing.

    The PSBT pays the mediator's fee, signed by whoever complains, so that the mediator is paid whomever they favour.
    It is left out where that escrow holds nothing, or cannot pay the fee: nobody is kept from complaining.
    """

    detail: str = line("Dispute detail", TEXT)
    mediator_psbt: str | None = line("Mediator payment PSBT", PSBT, optional=True)


@dataclass(frozen=True, kw_only=True)
class DisputeDelivery(Dispute):
    """Signed by the creator's delegate."""

    TITLE = "Rein Dispute Delivery"
    KIND = Kind.CREATOR_DISPUTE
    ROLES = frozenset({Role.CREATOR})


@dataclass(frozen=True, kw_only=True)
class DisputeOffer(Dispute):
    """Signed by the worker's delegate."""

    TITLE = "Rein Dispute Offer"
    KIND = Kind.WORKER_DISPUTE
    ROLES = frozenset({Role.WORKER})
