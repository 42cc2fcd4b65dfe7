"""The documents of Rein, one class a type, one module a class or a pair."""

from __future__ import annotations

from rein.protocol.documents.accept import AcceptDelivery
from rein.protocol.documents.award import AwardDocument
from rein.protocol.documents.base import Author, Document, EscrowSigned, Kind, OrderDocument, Role
from rein.protocol.documents.bid import Bid
from rein.protocol.documents.delivery import Delivery
from rein.protocol.documents.dispute import Dispute, DisputeDelivery, DisputeOffer
from rein.protocol.documents.enrollment import Enrollment
from rein.protocol.documents.job import Job
from rein.protocol.documents.legacy import LegacyDocument
from rein.protocol.documents.message import Disclosure, Message, SealedBid, SealedDocument
from rein.protocol.documents.offer import Offer
from rein.protocol.documents.party import ContractDocument, PartyDocument
from rein.protocol.documents.rating import Rating
from rein.protocol.documents.refund import Refund
from rein.protocol.documents.resolution import AcceptResolution, DisputeResolution
from rein.protocol.documents.settlement import Settlement

TYPES: tuple[type[Document], ...] = (
    Enrollment,
    Job,
    Bid,
    SealedBid,
    Offer,
    Delivery,
    AcceptDelivery,
    Settlement,
    Refund,
    DisputeDelivery,
    DisputeOffer,
    DisputeResolution,
    AcceptResolution,
    Message,
    Disclosure,
    Rating,
)

__all__ = [
    "TYPES",
    "AcceptDelivery",
    "AcceptResolution",
    "Author",
    "AwardDocument",
    "Bid",
    "ContractDocument",
    "Delivery",
    "Disclosure",
    "Dispute",
    "DisputeDelivery",
    "DisputeOffer",
    "DisputeResolution",
    "Document",
    "Enrollment",
    "EscrowSigned",
    "Job",
    "Kind",
    "LegacyDocument",
    "Message",
    "Offer",
    "OrderDocument",
    "PartyDocument",
    "Rating",
    "Refund",
    "Role",
    "SealedBid",
    "SealedDocument",
    "Settlement",
]
