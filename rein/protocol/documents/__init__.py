"""The documents of Rein, one class a type, one module a class."""

from __future__ import annotations

from rein.protocol.documents.accept import AcceptDelivery
from rein.protocol.documents.base import Author, Document, Kind, OrderDocument, Role
from rein.protocol.documents.bid import Bid
from rein.protocol.documents.delivery import Delivery
from rein.protocol.documents.enrollment import Enrollment
from rein.protocol.documents.job import Job
from rein.protocol.documents.legacy import LegacyDocument
from rein.protocol.documents.offer import Offer

TYPES: tuple[type[Document], ...] = (Enrollment, Job, Bid, Offer, Delivery, AcceptDelivery)

__all__ = [
    "TYPES",
    "AcceptDelivery",
    "Author",
    "Bid",
    "Delivery",
    "Document",
    "Enrollment",
    "Job",
    "Kind",
    "LegacyDocument",
    "Offer",
    "OrderDocument",
    "Role",
]
