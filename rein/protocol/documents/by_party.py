"""What the documents share that the job creator signs, and those that the worker signs: who speaks, with which escrow
key, and that the addresses are of the network. Each declares its address lines itself, where they stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rein.protocol.documents.base import Author, EscrowSigned, OrderDocument, Role
from rein.protocol.documents.checks import check_identity_addresses


@dataclass(frozen=True, kw_only=True)
class CreatorDocument(EscrowSigned, OrderDocument):
    """Signed by the creator's delegate, within a job."""

    if TYPE_CHECKING:
        creator_delegate_address: str
        creator_master_address: str

    @property
    def author(self) -> Author:
        return Author(self.creator_master_address, self.creator_delegate_address)

    @property
    def signing_role(self) -> Role:
        return Role.CREATOR

    def check(self) -> None:
        super().check()
        check_identity_addresses(
            self.network,
            job_creator_delegate_address=self.creator_delegate_address,
            job_creator_master_address=self.creator_master_address,
        )


@dataclass(frozen=True, kw_only=True)
class WorkerDocument(EscrowSigned, OrderDocument):
    """Signed by the worker's delegate, within a job."""

    if TYPE_CHECKING:
        worker_delegate_address: str
        worker_master_address: str

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
