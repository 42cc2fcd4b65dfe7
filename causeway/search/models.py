"""The tables of the index."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Sequence,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from causeway.db.base import Base, ascii_text, table_of
from rein.protocol.limits import MAX_NAME, MAX_TAG

MAX_JOB_ID = 64
MAX_PUBLIC_KEY = 130
MAX_FOLDED = 600
"""Characters of a name or contact with its case folded: Unicode makes up to three of one."""

document_seq = Sequence("document_seq", metadata=Base.metadata)
"""Gives `Document.seq`. Use it through `causeway.search.sequence` only."""


def _where_set(name: str, *columns: str) -> Index:
    """An index of the rows that have a value in the first column."""
    return Index(f"document_{name}_index", *columns, postgresql_where=text(f"{columns[0]} IS NOT NULL"))


class Document(Base):
    """A verified document, once, however many values hold it; the first copy that came is the one that is served.

    `seq` grows with every document stored on this server; `id` is the SHA-256 of the signed text. What strangers wrote
    in free form (legacy documents allow anything) is indexed only where it has the shape of what it claims to be.
    `expires` is in seconds since 1970. `amount_sat` is what a bid asks for; `words` are those of a job's name, tags and
    description, to be searched.
    """

    __tablename__ = "document"
    __table_args__ = (
        Index("document_kind_index", "kind", "seq"),
        _where_set("job_id", "job_id", "kind", "seq"),
        _where_set("order_id", "order_id", "kind", "seq"),
        _where_set("creator_address", "creator_address", "kind", "seq"),
        _where_set("creator_key", "creator_key", "kind", "seq"),
        _where_set("worker_address", "worker_address", "kind", "seq"),
        _where_set("worker_key", "worker_key", "kind", "seq"),
        _where_set("mediator_address", "mediator_address", "kind", "seq"),
        _where_set("mediator_key", "mediator_key", "kind", "seq"),
        Index("document_amount_index", "order_id", "amount_sat", postgresql_where=text("amount_sat IS NOT NULL")),
        Index("document_network_index", "network", "seq"),
        Index("document_offer_index", "order_id", "signer", postgresql_where=text("kind = 'offer'")),
        Index("document_tags_index", "tags", postgresql_using="gin", postgresql_where=text("kind = 'job'")),
        Index("document_words_index", "words", postgresql_using="gin", postgresql_where=text("words IS NOT NULL")),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(ascii_text(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    legacy: Mapped[bool] = mapped_column(Boolean)
    network: Mapped[str] = mapped_column(String(16))
    title: Mapped[str | None] = mapped_column(String(MAX_NAME))
    job_id: Mapped[str | None] = mapped_column(ascii_text(MAX_JOB_ID))
    order_id: Mapped[str | None] = mapped_column(ascii_text(64))
    previous: Mapped[str | None] = mapped_column(ascii_text(64))
    author: Mapped[str | None] = mapped_column(ascii_text(35))
    signer: Mapped[str] = mapped_column(ascii_text(35))
    creator_address: Mapped[str | None] = mapped_column(ascii_text(35))
    creator_key: Mapped[str | None] = mapped_column(ascii_text(MAX_PUBLIC_KEY))
    worker_address: Mapped[str | None] = mapped_column(ascii_text(35))
    worker_key: Mapped[str | None] = mapped_column(ascii_text(MAX_PUBLIC_KEY))
    mediator_address: Mapped[str | None] = mapped_column(ascii_text(35))
    mediator_key: Mapped[str | None] = mapped_column(ascii_text(MAX_PUBLIC_KEY))
    tags: Mapped[list[str]] = mapped_column(ARRAY(String(MAX_TAG)))
    expires: Mapped[int | None] = mapped_column(BigInteger)
    block_height: Mapped[int | None] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    armored: Mapped[str] = mapped_column(Text)
    stored: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    amount_sat: Mapped[int | None] = mapped_column(BigInteger)
    words: Mapped[str | None] = mapped_column(TSVECTOR)


class Tombstone(Base):
    """That the last copy of a document was deleted here, by the owner of that copy or by the operator.

    `final`: it was the operator; or its author, or the key that signed it, and no other author relied on it. Then
    replication must not bring it back; an owner may store it again. A stranger who gives up the last copy decides
    nothing for others. `seq` is a number of the same sequence as documents have, so that a reader of the feed sees one
    order of what came and went.
    """

    __tablename__ = "tombstone"

    document_id: Mapped[str] = mapped_column(ascii_text(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    owner: Mapped[str] = mapped_column(ascii_text(35))
    final: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    removed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class IndexedEnrollment(Base):
    """What people are found by, for documents that are enrollments. `name` and `contact` have their case folded.

    `is_current`: no enrollment of the same master replaces it; of several such, the one signed at the greatest height
    (as `rein.protocol.enrollments` has it). It is kept, not computed when asked: a master with thousands of
    enrollments must cost only itself.
    """

    __tablename__ = "enrollment"
    __table_args__ = (
        Index("enrollment_master_index", "master", "seq"),
        Index("enrollment_delegate_index", "delegate", "seq"),
        Index("enrollment_sin_index", "sin", "seq"),
        Index("enrollment_name_index", "name", "seq", postgresql_where=text("is_current")),
        Index("enrollment_contact_index", "contact", "seq", postgresql_where=text("is_current")),
        Index("enrollment_mediator_index", "seq", postgresql_where=text("is_current AND willing_to_mediate")),
        Index("enrollment_previous_index", "previous", postgresql_where=text("previous IS NOT NULL")),
    )

    seq: Mapped[int] = mapped_column(
        BigInteger, ForeignKey(Document.seq, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    id: Mapped[str] = mapped_column(ascii_text(64), unique=True)
    master: Mapped[str] = mapped_column(ascii_text(35))
    sin: Mapped[str] = mapped_column(ascii_text(40))
    delegate: Mapped[str | None] = mapped_column(ascii_text(35))
    name: Mapped[str | None] = mapped_column(String(MAX_FOLDED))
    contact: Mapped[str | None] = mapped_column(String(MAX_FOLDED))
    willing_to_mediate: Mapped[bool] = mapped_column(Boolean)
    previous: Mapped[str | None] = mapped_column(ascii_text(64))
    block_height: Mapped[int | None] = mapped_column(Integer)
    is_current: Mapped[bool] = mapped_column(Boolean)


document = table_of(Document)
enrollment = table_of(IndexedEnrollment)
tombstone = table_of(Tombstone)
