"""The table of stored values."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    column,
    func,
    table,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from causeway.db.base import Base, ascii_text, table_of
from causeway.hosting.models import Bucket


class KeyValue(Base):
    """A value as its owner sent it. `size` is the UTF-8 bytes of key and value, which `bucket_id` is charged with: a
    bucket of the same owner, as the foreign key over both columns has it.

    `document_id` is set if the value is a verified document. The foreign key, to a table that search owns, is what
    makes "the index holds exactly the documents that are stored" true whatever happens at the same time: a row of the
    index cannot go while a value needs it.
    """

    __tablename__ = "kv"
    __table_args__ = (
        ForeignKeyConstraint(["bucket_id", "owner"], [Bucket.id, Bucket.owner]),
        Index("kv_document_id_index", "document_id", postgresql_where=text("document_id IS NOT NULL")),
    )

    key: Mapped[str] = mapped_column(ascii_text(128), primary_key=True)
    owner: Mapped[str] = mapped_column(ascii_text(35))
    value: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer)
    bucket_id: Mapped[int] = mapped_column(BigInteger, index=True)
    document_id: Mapped[str | None] = mapped_column(ascii_text(64), ForeignKey("document.id"))
    testnet: Mapped[bool] = mapped_column(Boolean)
    stored: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


kv = table_of(KeyValue)
document_row = table(
    "document",
    column("id", ascii_text(64)),
    column("order_id", ascii_text(64)),
    *(column(name, ascii_text(35)) for name in ("author", "signer")),
    *(column(name, ascii_text(35)) for name in ("creator_address", "worker_address", "mediator_address")),
)
"""The table that `document_id` points to."""

replica_row = table("replica", column("document_id", ascii_text(64)))
"""The table of copies that are kept for other servers, and are no values of anybody."""
