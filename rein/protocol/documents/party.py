"""What documents share that more than one of the three may sign, or that speak of a dispute between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rein.errors import FieldError
from rein.protocol.documents.base import Author, EscrowSigned, OrderDocument, Role
from rein.protocol.documents.checks import check_identity_addresses
from rein.protocol.fields import Codec, line
from rein.protocol.values import IDENTITY_ADDRESS


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not one of {', '.join(role.value for role in Role)}") from None


def _role_name(role: Role) -> str:
    return role.value


ROLE: Codec[Role] = Codec(_role, _role_name)


@dataclass(frozen=True, kw_only=True)
class PartyDocument(OrderDocument):
    """Signed by the delegate of a party of the job: the one whose role it names. Whether that identity has this role
    is a question to the order."""

    ROLES: ClassVar[frozenset[Role]]
    """Who may sign a document of this type."""

    role: Role = line("Role", ROLE)
    delegate_address: str = line("Delegate address", IDENTITY_ADDRESS)
    master_address: str = line("Master address", IDENTITY_ADDRESS)

    @property
    def author(self) -> Author:
        return Author(self.master_address, self.delegate_address)

    def check(self) -> None:
        super().check()
        if self.role not in self.ROLES:
            raise FieldError(f"a {self.TITLE} is not for the {self.role.value} to sign")
        check_identity_addresses(
            self.network, delegate_address=self.delegate_address, master_address=self.master_address
        )


@dataclass(frozen=True, kw_only=True)
class ContractDocument(EscrowSigned, PartyDocument):
    """What a party says about the contract itself: its money, how it ends, how the others did."""

    @property
    def signing_role(self) -> Role:
        return self.role
