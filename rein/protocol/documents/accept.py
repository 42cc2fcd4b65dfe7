"""Rein Accept Delivery: the creator takes the delivery and signs both payments."""

from __future__ import annotations

from dataclasses import dataclass

from rein.protocol.documents.base import Author, EscrowSigned, Kind, OrderDocument, Role
from rein.protocol.documents.checks import check_identity_addresses
from rein.protocol.fields import line
from rein.protocol.values import IDENTITY_ADDRESS, PSBT


@dataclass(frozen=True, kw_only=True)
class AcceptDelivery(EscrowSigned, OrderDocument):
    """Signed by the creator's delegate. Answers one delivery.

    The two PSBTs (BIP174, version 0, base64) pay the worker from the primary escrow and the mediator from the
    mediator's escrow, each signed by the creator. Receivers rebuild both and compare; they adopt nothing.
    """

    TITLE = "Rein Accept Delivery"
    KIND = Kind.ACCEPT

    primary_psbt: str = line("Primary payment PSBT", PSBT)
    mediator_psbt: str = line("Mediator payment PSBT", PSBT)
    creator_delegate_address: str = line("Job creator delegate address", IDENTITY_ADDRESS)
    creator_master_address: str = line("Job creator master address", IDENTITY_ADDRESS)

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
