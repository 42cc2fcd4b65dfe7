"""Rein Rating: one party of a job says how another did."""

from __future__ import annotations

from dataclasses import dataclass

from rein.errors import FieldError
from rein.protocol.documents.base import Kind, Role
from rein.protocol.documents.checks import check_identity_addresses
from rein.protocol.documents.party import ROLE, ContractDocument
from rein.protocol.fields import line
from rein.protocol.values import IDENTITY_ADDRESS, RATING, REMARK


@dataclass(frozen=True, kw_only=True)
class Rating(ContractDocument):
    """Answers the offer. Signed by any of the three about another of the three.

    It counts once the chain has shown how the job ended (`rein.protocol.reputation`).
    """

    TITLE = "Rein Rating"
    KIND = Kind.RATING
    ROLES = frozenset(Role)

    rated_role: Role = line("Rated role", ROLE)
    rated_master_address: str = line("Rated master address", IDENTITY_ADDRESS)
    rating: int = line("Rating", RATING)
    comment: str | None = line("Comment", REMARK, optional=True)

    def check(self) -> None:
        super().check()
        check_identity_addresses(self.network, rated_master_address=self.rated_master_address)
        if self.rated_role is self.role or self.rated_master_address == self.master_address:
            raise FieldError("nobody rates themselves")
