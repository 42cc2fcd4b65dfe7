"""The table of owners."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, DateTime, String, false, func
from sqlalchemy.orm import Mapped, mapped_column

from causeway.db.base import Base, ascii_text, table_of
from rein.protocol.limits import MAX_CONTACT

MAX_ADDRESS = 35
"""Characters of a base58 P2PKH address."""


class Owner(Base):
    """Somebody's master address. Anybody may have registered it: nothing here proves anything.

    `delegate` and `contact` are what the first request said: hints for people. Who may write for an owner is decided
    by signed enrollments alone (`causeway.auth`). `contact_signed`: the owner has signed that this is the contact.
    """

    __tablename__ = "owner"

    address: Mapped[str] = mapped_column(ascii_text(MAX_ADDRESS), primary_key=True)
    delegate: Mapped[str | None] = mapped_column(ascii_text(MAX_ADDRESS))
    contact: Mapped[str | None] = mapped_column(String(MAX_CONTACT))
    contact_signed: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


owner = table_of(Owner)
