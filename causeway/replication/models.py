"""What is kept for peers, and how far each has been read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from causeway.db.base import Base, ascii_text, table_of
from causeway.outbound import MAX_PEER_URL
from causeway.search.models import Document

MAX_WHY = 200


class State(StrEnum):
    """The state of a peer. `paused`: it waits until the operator does something."""

    NEW = "new"
    OK = "ok"
    BEHIND = "behind"
    FAILING = "failing"
    PAUSED = "paused"


class Replica(Base):
    """That a document is kept because a peer has it, whoever else stores it here: a copy that is charged to no owner.

    `peer` brought it first. `signer` and `size` (bytes) are the document's own, for the shares: the signer is proved,
    an author is only what a text says.
    """

    __tablename__ = "replica"
    __table_args__ = (
        Index("replica_peer_index", "peer", "size"),
        Index("replica_signer_index", "signer", "size"),
    )

    document_id: Mapped[str] = mapped_column(ascii_text(64), ForeignKey(Document.id), primary_key=True)
    peer: Mapped[str] = mapped_column(ascii_text(MAX_PEER_URL))
    signer: Mapped[str] = mapped_column(ascii_text(35))
    size: Mapped[int] = mapped_column(Integer)


class PeerRow(Base):
    """How far a peer's feed was read (`cursor`, a number of the peer's), and how that went.

    `server` is the feed's own name, `latest` the last number of the feed; `doubts` counts how often in a row that
    was below the cursor, `failures` how often in a row it could not be read. `version` of causeway judged what was
    read. `why` is in our own words. Counts are of documents: `taken`, `refused` because they do not verify, `skipped`
    because their signer's share is used up. `resets` is how often the feed was restarted.
    """

    __tablename__ = "peer"

    url: Mapped[str] = mapped_column(ascii_text(MAX_PEER_URL), primary_key=True)
    server: Mapped[str | None] = mapped_column(ascii_text(32))
    version: Mapped[str | None] = mapped_column(String(40))
    cursor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    latest: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    begun: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    succeeded: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    next_try: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(16), server_default=State.NEW.value)
    why: Mapped[str | None] = mapped_column(String(MAX_WHY))
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    doubts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    taken: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refused: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    skipped: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    resets: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


replica = table_of(Replica)
peer = table_of(PeerRow)
