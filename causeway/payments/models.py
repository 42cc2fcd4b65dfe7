"""The tables of deposit addresses, purchases, received outputs, and the ledger."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    String,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from causeway.accounts.models import MAX_ADDRESS, Owner
from causeway.db.base import Base, ascii_text, table_of
from causeway.hosting.models import Bucket

MAX_DEPOSIT_ADDRESS = 90
"""Characters of any segwit address (BIP173)."""

MAX_MEMO = 200


class Account(Enum):
    """Whose money an entry of the ledger moves. Positive is what the server owes or has earned."""

    OWNER = "owner"
    """What an owner may still spend."""
    DEPOSITS = "deposits"
    """What came in over the chain: minus what the operator's wallet was paid."""
    INCOME = "income"
    """What the operator has earned by buckets."""


class Deposit(Base):
    """An address that was handed out, once and to one owner, and is watched for ever.

    `wallet` names the operator's extended key (`ReceivingKey.id`) and `index` the child of it: neither is used twice,
    whatever key the operator changes to and back.
    """

    __tablename__ = "deposit"
    __table_args__ = (UniqueConstraint("wallet", "index"), Index("deposit_owner_index", "owner"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    wallet: Mapped[str] = mapped_column(ascii_text(16))
    index: Mapped[int] = mapped_column(BigInteger)
    address: Mapped[str] = mapped_column(ascii_text(MAX_DEPOSIT_ADDRESS))
    script: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    owner: Mapped[str] = mapped_column(ascii_text(MAX_ADDRESS), ForeignKey(Owner.address))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Purchase(Base):
    """A bucket that an owner has ordered (`paid` is null), or bought for `price_sat`.

    With a deposit address it may be paid there; without one it was paid from the owner's balance at once. The bucket
    may be gone again long after it expired.
    """

    __tablename__ = "purchase"
    __table_args__ = (
        CheckConstraint("price_sat > 0", name="price"),
        CheckConstraint("paid IS NOT NULL OR deposit_id IS NOT NULL", name="payable"),
        Index("purchase_owner_index", "owner"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    owner: Mapped[str] = mapped_column(ascii_text(MAX_ADDRESS), ForeignKey(Owner.address))
    deposit_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(Deposit.id), unique=True)
    price_sat: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    paid: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bucket_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(Bucket.id, ondelete="SET NULL"), unique=True)


class Receipt(Base):
    """An output on the chain that pays a deposit address, once however often it is seen.

    `block_hash` is where it was at the last update; null: its transaction left the chain. `credited`: the ledger holds
    it now. `final`: so deep in the chain that it is not checked again. `seen`: the time of the block it was last found
    in, which decides the price it pays.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("amount_sat >= 0", name="amount"),
        CheckConstraint("(block_hash IS NULL) = (height IS NULL)", name="block"),
        CheckConstraint("block_hash IS NOT NULL OR NOT credited", name="credit"),
        CheckConstraint("credited OR NOT final", name="final"),
        Index("receipt_deposit_id_index", "deposit_id"),
        Index("receipt_pending_index", "height", postgresql_where=text("NOT final")),
    )

    txid: Mapped[str] = mapped_column(ascii_text(64), primary_key=True)
    vout: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    deposit_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(Deposit.id))
    amount_sat: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str | None] = mapped_column(ascii_text(64))
    height: Mapped[int | None] = mapped_column(Integer)
    credited: Mapped[bool] = mapped_column(Boolean)
    final: Mapped[bool] = mapped_column(Boolean, server_default=false())
    seen: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class WatchedBlock(Base):
    """A block that the watcher has read to its end, and so all below it since the first address was given out.

    The last ones are kept, so that it finds its way back when the chain reorganises. `seen` is when it was last found
    to be in the chain.
    """

    __tablename__ = "watched_block"

    height: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(ascii_text(64))
    seen: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Entry(Base):
    """A line of the double-entry ledger. Lines are added, never changed; a mistake of the chain is undone by a
    counter entry.

    A deferred trigger of the database refuses to commit a transaction whose lines do not sum to zero, so all lines
    together always do.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint("account IN ('owner', 'deposits', 'income')", name="account"),
        CheckConstraint("(account = 'owner') = (owner IS NOT NULL)", name="owner"),
        Index("ledger_transaction_id_index", "transaction_id"),
        Index("ledger_owner_index", "owner", postgresql_where=text("owner IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(BigInteger)
    account: Mapped[str] = mapped_column(String(16))
    owner: Mapped[str | None] = mapped_column(ascii_text(MAX_ADDRESS), ForeignKey(Owner.address))
    amount_sat: Mapped[int] = mapped_column(BigInteger)
    memo: Mapped[str] = mapped_column(String(MAX_MEMO))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


ledger_transaction_seq = Sequence("ledger_transaction_seq", metadata=Base.metadata)

deposit = table_of(Deposit)
purchase = table_of(Purchase)
receipt = table_of(Receipt)
watched_block = table_of(WatchedBlock)
ledger = table_of(Entry)
