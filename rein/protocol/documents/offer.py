"""Rein Offer: the creator gives the job to one bid and says what will be in escrow."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.protocol.documents.base import Kind
from rein.protocol.documents.by_party import CreatorDocument
from rein.protocol.documents.checks import check_identity_addresses, check_payment_address
from rein.protocol.fields import line
from rein.protocol.values import (
    AMOUNT,
    IDENTITY_ADDRESS,
    NAME,
    PAYMENT_ADDRESS,
    PUBLIC_KEY,
)


@dataclass(frozen=True, kw_only=True)
class Offer(CreatorDocument):
    """Signed by the creator's delegate. Answers one bid.

    Each escrow holds what its receiver gets plus the miner's fee of the transaction that pays it out, so that the
    receiver gets the exact amount: `primary_amount` = bid amount + fee, `mediator_amount` = mediator's fee + fee.
    """

    TITLE = "Rein Offer"
    KIND = Kind.OFFER

    worker: str = line("Worker", NAME)
    worker_master_address: str = line("Worker master address", IDENTITY_ADDRESS)
    amount: Sat = line("Bid amount (BTC)", AMOUNT)
    primary_amount: Sat = line("Primary escrow amount (BTC)", AMOUNT)
    mediator_amount: Sat = line("Mediator escrow amount (BTC)", AMOUNT)
    primary_address: str = line("Primary escrow address", PAYMENT_ADDRESS)
    mediator_address: str = line("Mediator escrow address", PAYMENT_ADDRESS)
    creator_public_key: bytes = line("Job creator public key", PUBLIC_KEY)
    mediator_public_key: bytes = line("Mediator public key", PUBLIC_KEY)
    worker_public_key: bytes = line("Worker public key", PUBLIC_KEY)
    creator_delegate_address: str = line("Job creator delegate address", IDENTITY_ADDRESS)
    creator_master_address: str = line("Job creator master address", IDENTITY_ADDRESS)

    @property
    def own_escrow_key(self) -> bytes:
        return self.creator_public_key

    def check(self) -> None:
        super().check()
        check_identity_addresses(
            self.network,
            worker_master_address=self.worker_master_address,
        )
        check_payment_address(self.network, "Primary escrow address", self.primary_address)
        check_payment_address(self.network, "Mediator escrow address", self.mediator_address)
