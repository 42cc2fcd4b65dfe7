"""Rein Accept Delivery: the creator takes the delivery and signs both payments."""

from __future__ import annotations

from dataclasses import dataclass

from rein.protocol.documents.base import Kind
from rein.protocol.documents.by_party import CreatorDocument
from rein.protocol.fields import line
from rein.protocol.values import IDENTITY_ADDRESS, PSBT


@dataclass(frozen=True, kw_only=True)
class AcceptDelivery(CreatorDocument):
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
