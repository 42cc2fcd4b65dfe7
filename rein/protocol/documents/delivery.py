"""Rein Delivery: the worker hands over what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from rein.protocol.documents.base import Author, EscrowSigned, Kind, OrderDocument, Role
from rein.protocol.documents.checks import check_identity_addresses
from rein.protocol.fields import line
from rein.protocol.values import IDENTITY_ADDRESS, TEXT


@dataclass(frozen=True, kw_only=True)
class Delivery(EscrowSigned, OrderDocument):
    """Signed by the worker's delegate. Answers the offer, or the worker's earlier delivery that it replaces."""

    TITLE = "Rein Delivery"
    KIND = Kind.DELIVERY

    deliverables: str = line("Deliverables", TEXT)
    worker_delegate_address: str = line("Worker delegate address", IDENTITY_ADDRESS)
    worker_master_address: str = line("Worker master address", IDENTITY_ADDRESS)

    @property
    def author(self) -> Author:
        return Author(self.worker_master_address, self.worker_delegate_address)

    @property
    def signing_role(self) -> Role:
        return Role.WORKER

    def check(self) -> None:
        super().check()
        check_identity_addresses(
            self.network,
            worker_delegate_address=self.worker_delegate_address,
            worker_master_address=self.worker_master_address,
        )
