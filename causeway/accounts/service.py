"""Registering owners, and asking whether one is registered."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from causeway.accounts.models import owner


def register(connection: Connection, address: str, *, delegate: str | None, contact: str | None) -> None:
    """Make the owner known and keep the row locked until the transaction ends. Who came first is not overruled:
    a stranger must not redirect the mail of an owner."""
    connection.execute(
        insert(owner).values(address=address, delegate=delegate, contact=contact).on_conflict_do_nothing()
    )
    connection.execute(select(owner.c.address).where(owner.c.address == address).with_for_update(key_share=True))


def is_registered(connection: Connection, address: str) -> bool:
    """Whether the owner has ever asked for hosting here."""
    return connection.scalar(select(owner.c.address).where(owner.c.address == address)) is not None
