"""Rein Delivery: the worker hands over what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from rein.protocol.documents.base import Kind
from rein.protocol.documents.by_party import WorkerDocument
from rein.protocol.fields import line
from rein.protocol.values import IDENTITY_ADDRESS, TEXT


@dataclass(frozen=True, kw_only=True)
class Delivery(WorkerDocument):
    """Signed by the worker's delegate. Answers the offer, or the worker's earlier delivery that it replaces."""

    TITLE = "Rein Delivery"
    KIND = Kind.DELIVERY

    deliverables: str = line("Deliverables", TEXT)
    worker_delegate_address: str = line("Worker delegate address", IDENTITY_ADDRESS)
    worker_master_address: str = line("Worker master address", IDENTITY_ADDRESS)
