"""The identities of this home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rein.store.database import Database
from rein.store.sql import insert
from rein.store.tables.documents import INSERT_OWN, document_row

if TYPE_CHECKING:
    from rein.protocol.signed import Signed


@dataclass(frozen=True)
class IdentityRow:
    """An identity of this home. `key_file` is relative to the home."""

    id: int
    network: str
    name: str
    contact: str
    master_address: str
    delegate_address: str
    key_file: str


class Identities:
    """The identities of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: IdentityRow, enrollment: Signed[Any]) -> IdentityRow:
        """Remember an identity together with its enrollment. `row.id` is ignored."""
        values = {key: value for key, value in vars(row).items() if key != "id"}
        with self._database.writing() as connection:
            new_id = connection.execute(insert("identity", values), values).lastrowid
            connection.execute(INSERT_OWN, document_row(enrollment, None))
        return IdentityRow(new_id or 0, **values)

    def update(self, row: IdentityRow, enrollment: Signed[Any]) -> None:
        """Remember what an identity says of itself from now on, together with the enrollment that says it."""
        query = "UPDATE identity SET contact = ?, delegate_address = ? WHERE id = ?"
        with self._database.writing() as connection:
            connection.execute(query, [row.contact, row.delegate_address, row.id])
            connection.execute(INSERT_OWN, document_row(enrollment, None))

    def of_network(self, network: str) -> list[IdentityRow]:
        """In the order they were made."""
        rows = self._database.rows("SELECT * FROM identity WHERE network = ? ORDER BY id", network)
        return [IdentityRow(**dict(row)) for row in rows]
