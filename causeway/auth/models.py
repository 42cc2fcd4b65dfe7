"""The tables of used nonces and of enrolled delegates."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from causeway.accounts.models import MAX_ADDRESS
from causeway.db.base import Base, ascii_text, table_of


class NonceUse(Base):
    """That a nonce has been used for a key. Written with what it was used for, in one transaction.

    A legacy client writes many keys with one nonce, so a nonce is good once *per key*. And once per signed text
    (`text_hash`, SHA-256): what is signed has no separators, so a stranger could move the border between key and
    value and spend somebody's signature a second time, under another key.

    Nonces begin with their time, so the old ones are the first of the primary key.
    """

    __tablename__ = "nonce_use"
    __table_args__ = (UniqueConstraint("text_hash"),)

    nonce: Mapped[str] = mapped_column(ascii_text(32), primary_key=True)
    key: Mapped[str] = mapped_column(ascii_text(128), primary_key=True)
    text_hash: Mapped[bytes] = mapped_column(LargeBinary)


class Delegation(Base):
    """That a stored, verified enrollment of `master` names `delegate`, and which ones it revokes. `previous` is the
    enrollment it replaces."""

    __tablename__ = "delegation"
    __table_args__ = (
        Index("delegation_proof_index", "master", "delegate"),
        Index("delegation_previous_index", "previous", postgresql_where=text("previous IS NOT NULL")),
        Index("delegation_revoked_index", "master", postgresql_where=text("revoked <> '{}'::varchar[]")),
    )

    enrollment: Mapped[str] = mapped_column(ascii_text(64), primary_key=True)
    master: Mapped[str] = mapped_column(ascii_text(MAX_ADDRESS))
    delegate: Mapped[str] = mapped_column(ascii_text(MAX_ADDRESS))
    previous: Mapped[str | None] = mapped_column(ascii_text(64))
    revoked: Mapped[list[str]] = mapped_column(ARRAY(ascii_text(MAX_ADDRESS)), server_default=text("'{}'"))


nonce_use = table_of(NonceUse)
delegation = table_of(Delegation)
