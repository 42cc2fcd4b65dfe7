"""Registering owners, and asking whether one is registered."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from causeway.accounts.models import owner
from causeway.errors import UnknownOwnerError


def register(connection: Connection, address: str, *, delegate: str | None, contact: str | None) -> None:
    """Make the owner known and keep the row locked until the transaction ends. Who came first is not overruled:
    a stranger must not redirect the mail of an owner."""
    connection.execute(
        insert(owner).values(address=address, delegate=delegate, contact=contact).on_conflict_do_nothing()
    )
    lock(connection, address)


def lock(connection: Connection, address: str) -> None:
    """Keep the owner's row locked until the transaction ends: what is counted for the owner stays so until then."""
    connection.execute(select(owner.c.address).where(owner.c.address == address).with_for_update(key_share=True))


def sign_contact(connection: Connection, address: str, contact: str, *, fresh: bool) -> None:
    """Set the contact that the owner signed. Without something `fresh` in what was signed only the first time: who
    overheard it could send it again, and so undo a later change."""
    changed = update(owner).where(owner.c.address == address).values(contact=contact, contact_signed=True)
    connection.execute(changed if fresh else changed.where(~owner.c.contact_signed))


def is_registered(connection: Connection, address: str) -> bool:
    """Whether the owner has ever asked for hosting here."""
    return connection.scalar(select(owner.c.address).where(owner.c.address == address)) is not None


def require_registered(connection: Connection, address: str) -> None:
    """Refuse an owner who has never asked for hosting here.

    :raises UnknownOwnerError: it is unknown.
    """
    if not is_registered(connection, address):
        raise UnknownOwnerError("User not found", hint="GET /request registers an owner.")


def contacts(connection: Connection, addresses: Collection[str]) -> dict[str, str]:
    """The contacts of those owners that have one."""
    rows = connection.execute(
        select(owner.c.address, owner.c.contact).where(owner.c.address.in_(addresses), owner.c.contact.is_not(None))
    )
    return {row.address: row.contact for row in rows}
