"""The tables of buckets, and of what each subnet was given today."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    UniqueConstraint,
    false,
    func,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from causeway.accounts.models import Owner
from causeway.db.base import Base, ascii_text, table_of


class Bucket(Base):
    """Storage and transfer of one owner until `expires`, in bytes of UTF-8 of keys and values.

    A `free` bucket was given away: an owner may have so many of them. A `frozen` one takes no new values and serves
    those it has. The checks are the last line: whatever the code does, no bucket holds or serves more than it may.
    """

    __tablename__ = "bucket"
    __table_args__ = (
        CheckConstraint("bytes_used BETWEEN 0 AND bytes_total", name="storage"),
        CheckConstraint("transfer_used BETWEEN 0 AND transfer_total", name="transfer"),
        Index("bucket_owner_index", "owner"),
        Index("bucket_expires_index", "expires"),
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
    free: Mapped[bool] = mapped_column(Boolean, server_default=true())
    frozen: Mapped[bool] = mapped_column(Boolean, server_default=false())


class SubnetDay(Base):
    """How often the addresses of a subnet were given something on a day of UTC."""

    __tablename__ = "subnet_day"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    subnet: Mapped[str] = mapped_column(ascii_text(45), primary_key=True)
    what: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


bucket = table_of(Bucket)
subnet_day = table_of(SubnetDay)
