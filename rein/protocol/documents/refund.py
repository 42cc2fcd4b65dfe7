"""Rein Refund: the money goes back to who paid it in."""

from __future__ import annotations

from dataclasses import dataclass

from rein.errors import FieldError
from rein.protocol.documents.base import Kind, Role
from rein.protocol.documents.party import ContractDocument
from rein.protocol.fields import line
from rein.protocol.values import PSBT, TEXT


@dataclass(frozen=True, kw_only=True)
class Refund(ContractDocument):
    """Answers the offer. Signed by any of the three; a second one of them completes it, the creator among the two.

    The primary escrow goes back to the creator whole, less the miner's fee. The mediator's pays the mediator's fee
    where it holds all that the offer says, and goes back too where it does not. A PSBT is left out where there is
    nothing in that escrow.
    """

    TITLE = "Rein Refund"
    KIND = Kind.REFUND
    ROLES = frozenset(Role)

    reason: str = line("Reason", TEXT)
    primary_psbt: str | None = line("Primary payment PSBT", PSBT, optional=True)
    mediator_psbt: str | None = line("Mediator payment PSBT", PSBT, optional=True)

    def check(self) -> None:
        super().check()
        if self.primary_psbt is None and self.mediator_psbt is None:
            raise FieldError("a refund without a payment gives nothing back")
