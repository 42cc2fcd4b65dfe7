"""Rein Bid: a worker offers to do a job for a price."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.protocol.documents.base import Kind
from rein.protocol.documents.by_party import WorkerDocument
from rein.protocol.documents.checks import check_message_key, check_payment_address
from rein.protocol.fields import line
from rein.protocol.values import (
    AMOUNT,
    CONTACT,
    IDENTITY_ADDRESS,
    NAME,
    PAYMENT_ADDRESS,
    PUBLIC_KEY,
    TEXT,
)


@dataclass(frozen=True, kw_only=True)
class Bid(WorkerDocument):
    """Signed by the worker's delegate. Answers the job document: `previous` equals `job_document`. Without a
    message key the worker takes no messages in this job.

    The mediator's key follows from the mediator's enrollment and all that makes the contract
    (`rein.protocol.job_keys.contract_path`), so that no two contracts share an escrow."""

    TITLE = "Rein Bid"
    KIND = Kind.BID

    worker: str = line("Worker", NAME)
    worker_contact: str = line("Worker contact", CONTACT)
    worker_delegate_address: str = line("Worker delegate address", IDENTITY_ADDRESS)
    worker_master_address: str = line("Worker master address", IDENTITY_ADDRESS)
    description: str = line("Description", TEXT)
    amount: Sat = line("Bid amount (BTC)", AMOUNT)
    primary_address: str = line("Primary escrow address", PAYMENT_ADDRESS)
    mediator_address: str = line("Mediator escrow address", PAYMENT_ADDRESS)
    creator_public_key: bytes = line("Job creator public key", PUBLIC_KEY)
    mediator_public_key: bytes = line("Mediator public key", PUBLIC_KEY)
    worker_public_key: bytes = line("Worker public key", PUBLIC_KEY)
    worker_payment_address: str = line("Worker payment address", PAYMENT_ADDRESS)
    worker_message_key: bytes | None = line("Worker message key", PUBLIC_KEY, optional=True)

    @property
    def own_escrow_key(self) -> bytes:
        return self.worker_public_key

    def check(self) -> None:
        super().check()
        check_message_key("Worker message key", self.worker_message_key, self.worker_public_key)
        check_payment_address(self.network, "Primary escrow address", self.primary_address)
        check_payment_address(self.network, "Mediator escrow address", self.mediator_address)
        check_payment_address(self.network, "Worker payment address", self.worker_payment_address)
