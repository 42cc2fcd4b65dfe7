"""Rein Settlement: the creator or the worker proposes to the other how to end the job, with or without a dispute."""

from __future__ import annotations

from dataclasses import dataclass

from rein.protocol.documents.award import AwardDocument
from rein.protocol.documents.base import Kind, Role
from rein.protocol.fields import line
from rein.protocol.values import PSBT, TEXT


@dataclass(frozen=True, kw_only=True)
class Settlement(AwardDocument):
    """Answers the offer. It may award less than the price, never more.

    Both PSBTs are signed by who proposes. The other agrees by adding a signature to the primary payment and sending
    it; until then either may propose again, and every proposal stays open until the escrow is spent.
    """

    TITLE = "Rein Settlement"
    KIND = Kind.SETTLEMENT
    ROLES = frozenset({Role.CREATOR, Role.WORKER})

    terms: str = line("Terms", TEXT)
    primary_psbt: str = line("Primary payment PSBT", PSBT)
    mediator_psbt: str = line("Mediator payment PSBT", PSBT)
