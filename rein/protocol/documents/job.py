"""Rein Job: a creator says what is to be done and who would mediate."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.protocol.documents.base import Author, EscrowSigned, Kind, Role
from rein.protocol.documents.checks import check_identity_addresses, check_message_key, check_payment_address
from rein.protocol.fields import line
from rein.protocol.values import (
    BUDGET,
    CONTACT,
    DATE,
    DAYS,
    DOCUMENT_ID,
    FEE,
    IDENTITY_ADDRESS,
    JOB_ID,
    NAME,
    PAYMENT_ADDRESS,
    PUBLIC_KEY,
    TAGS,
    TEXT,
    TIME,
    BasisPoints,
    Budget,
    DocumentId,
)

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Job(EscrowSigned):
    """Signed by the creator's delegate. An order is identified by this document's id, never by its Job ID.

    What it says of the mediator is a copy, for readers, of the enrollment named by `mediator_enrollment`; it counts
    only if it agrees with it. The mediator's escrow key belongs to one contract, and so stands in the bid. `time` is
    the time of the block at signing, in seconds since 1970. `deadline` is the day by which the creator wants the
    delivery, YYYY-MM-DD; it and the budget tell bidders what is wanted and bind nobody. Without a message key the
    creator takes no messages in this job.
    """

    TITLE = "Rein Job"
    KIND = Kind.JOB

    name: str = line("Job name", NAME)
    job_id: str = line("Job ID", JOB_ID)
    tags: tuple[str, ...] | None = line("Tags", TAGS, optional=True)
    description: str = line("Description", TEXT)
    time: int = line("Time", TIME)
    expiration_days: int = line("Expiration (days)", DAYS)
    budget: Budget | None = line("Budget (BTC)", BUDGET, optional=True)
    deadline: str | None = line("Deadline", DATE, optional=True)
    mediator: str = line("Mediator", NAME)
    mediator_contact: str = line("Mediator contact", CONTACT)
    mediator_fee: BasisPoints = line("Mediator fee", FEE)
    mediator_payment_address: str = line("Mediator payment address", PAYMENT_ADDRESS)
    mediator_master_address: str = line("Mediator master address", IDENTITY_ADDRESS)
    mediator_enrollment: DocumentId = line("Mediator enrollment", DOCUMENT_ID)
    creator: str = line("Job creator", NAME)
    creator_contact: str = line("Job creator contact", CONTACT)
    creator_public_key: bytes = line("Job creator public key", PUBLIC_KEY)
    creator_payment_address: str = line("Job creator payment address", PAYMENT_ADDRESS)
    creator_message_key: bytes | None = line("Job creator message key", PUBLIC_KEY, optional=True)
    creator_delegate_address: str = line("Job creator delegate address", IDENTITY_ADDRESS)
    creator_master_address: str = line("Job creator master address", IDENTITY_ADDRESS)

    @property
    def author(self) -> Author:
        return Author(self.creator_master_address, self.creator_delegate_address)

    @property
    def expires(self) -> int:
        """Seconds since 1970 after which no bid is wanted."""
        return self.time + self.expiration_days * SECONDS_A_DAY

    @property
    def budget_min(self) -> Sat | None:
        """The least that the creator would pay, in satoshis; None where the job does not say."""
        return self.budget.lowest if self.budget else None

    @property
    def budget_max(self) -> Sat | None:
        """The most that the creator would pay, in satoshis; None where the job does not say."""
        return self.budget.highest if self.budget else None

    @property
    def signing_role(self) -> Role:
        return Role.CREATOR

    @property
    def own_escrow_key(self) -> bytes:
        return self.creator_public_key

    def check(self) -> None:
        check_identity_addresses(
            self.network,
            mediator_master_address=self.mediator_master_address,
            job_creator_delegate_address=self.creator_delegate_address,
            job_creator_master_address=self.creator_master_address,
        )
        check_message_key("Job creator message key", self.creator_message_key, self.creator_public_key)
        check_payment_address(self.network, "Mediator payment address", self.mediator_payment_address)
        check_payment_address(self.network, "Job creator payment address", self.creator_payment_address)
