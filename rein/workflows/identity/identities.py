"""The identities of a home on one network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rein.protocol.sin import secure_identity_number
from rein.store.tables.identities import IdentityRow
from rein.workflows.session import Session


@dataclass(frozen=True)
class ListedIdentity:
    """An identity, and whether it is the one that acts."""

    row: IdentityRow
    home: Path
    acts: bool

    @property
    def sin(self) -> str:
        return secure_identity_number(self.row.master_address)

    def json(self) -> dict[str, Any]:
        row = self.row
        return {
            "name": row.name,
            "acts": self.acts,
            "contact": row.contact,
            "master_address": row.master_address,
            "delegate_address": row.delegate_address,
            "sin": self.sin,
            "key_file": str(self.home / row.key_file),
        }


@dataclass(frozen=True)
class IdentityList:
    network: str
    identities: list[ListedIdentity]

    def json(self) -> dict[str, Any]:
        return {"network": self.network, "identities": [each.json() for each in self.identities]}


def identities(session: Session) -> IdentityList:
    """In the order they were made."""
    acting = None if session.row is None else session.row.id
    rows = session.store.identities.of_network(session.network.name)
    return IdentityList(session.network.name, [ListedIdentity(row, session.home, row.id == acting) for row in rows])
