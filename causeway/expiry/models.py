"""The table of warnings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from causeway.db.base import Base, table_of
from causeway.hosting.models import Bucket
from rein.protocol.limits import MAX_CONTACT


class ExpiryWarning(Base):
    """That a contact was, or is just being, warned that a bucket expires in `days`; 0: that it has.

    The row is committed before the mail is sent: a crash in between loses one mail and never sends one twice. A mail
    server that refuses takes the row back.
    """

    __tablename__ = "warning"
    __table_args__ = (Index("warning_contact_index", "contact", "claimed"),)

    bucket_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey(Bucket.id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    days: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    contact: Mapped[str] = mapped_column(String(MAX_CONTACT))
    claimed: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


warning = table_of(ExpiryWarning)
