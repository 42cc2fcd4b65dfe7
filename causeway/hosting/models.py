"""The table of buckets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from causeway.accounts.models import Owner
from causeway.db.base import Base, ascii_text, table_of


class Bucket(Base):
    """Storage and transfer of one owner until `expires`, in bytes of UTF-8 of keys and values.

    The checks are the last line: whatever the code does, no bucket holds or serves more than it may.
    """

    __tablename__ = "bucket"
    __table_args__ = (
        CheckConstraint("bytes_used BETWEEN 0 AND bytes_total", name="storage"),
        CheckConstraint("transfer_used BETWEEN 0 AND transfer_total", name="transfer"),
        Index("bucket_owner_index", "owner"),
        UniqueConstraint("id", "owner", name="bucket_id_owner_unique"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    owner: Mapped[str] = mapped_column(ascii_text(35), ForeignKey(Owner.address))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    bytes_total: Mapped[int] = mapped_column(BigInteger)
    bytes_used: Mapped[int] = mapped_column(BigInteger, server_default="0")
    transfer_total: Mapped[int] = mapped_column(BigInteger)
    transfer_used: Mapped[int] = mapped_column(BigInteger, server_default="0")


bucket = table_of(Bucket)
