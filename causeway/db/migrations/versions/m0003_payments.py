"""Tables of the feature payments, and what expiry needs: frozen and free buckets, values by bucket, warnings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def _ascii(length: int) -> sa.String:
    return sa.String(length, collation="C")


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=NOW, nullable=False)


def upgrade() -> None:
    _hosting()
    _deposits()
    _ledger()
    _warnings()


def downgrade() -> None:
    for table in ("warning", "ledger", "receipt", "purchase", "deposit", "block_day"):
        op.drop_table(table)
    op.execute("DROP FUNCTION ledger_check_sum")
    op.execute("DROP FUNCTION ledger_refuse_change")
    op.execute(sa.schema.DropSequence(sa.Sequence("ledger_transaction_seq")))
    op.drop_index("kv_bucket_id_index", "kv")
    op.drop_index("bucket_expires_index", "bucket")
    op.drop_column("bucket", "frozen")
    op.drop_column("bucket", "free")
    op.drop_column("owner", "contact_signed")


def _hosting() -> None:
    op.add_column("owner", sa.Column("contact_signed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # Until now every bucket was free.
    op.add_column("bucket", sa.Column("free", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("bucket", sa.Column("frozen", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("bucket_expires_index", "bucket", ["expires"])
    op.create_index("kv_bucket_id_index", "kv", ["bucket_id"])
    op.create_table(
        "block_day",
        sa.Column("block", _ascii(45), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "block", "what", name="block_day_pk"),
    )


def _deposits() -> None:
    op.create_table(
        "deposit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("wallet", _ascii(16), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("address", _ascii(90), nullable=False),
        sa.Column("script", sa.LargeBinary(), nullable=False),
        sa.Column("owner", _ascii(35), nullable=False),
        _moment("created"),
        sa.ForeignKeyConstraint(["owner"], ["owner.address"], name="deposit_owner_fk"),
        sa.PrimaryKeyConstraint("id", name="deposit_pk"),
        sa.UniqueConstraint("wallet", "index", name="deposit_wallet_unique"),
        sa.UniqueConstraint("script", name="deposit_script_unique"),
    )
    op.create_index("deposit_owner_index", "deposit", ["owner"])
    op.create_table(
        "purchase",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner", _ascii(35), nullable=False),
        sa.Column("deposit_id", sa.BigInteger()),
        sa.Column("price_sat", sa.BigInteger(), nullable=False),
        _moment("created"),
        sa.Column("paid", sa.DateTime(timezone=True)),
        sa.Column("bucket_id", sa.BigInteger()),
        sa.CheckConstraint("price_sat > 0", name="purchase_price_check"),
        sa.CheckConstraint("paid IS NOT NULL OR deposit_id IS NOT NULL", name="purchase_payable_check"),
        sa.ForeignKeyConstraint(["owner"], ["owner.address"], name="purchase_owner_fk"),
        sa.ForeignKeyConstraint(["deposit_id"], ["deposit.id"], name="purchase_deposit_id_fk"),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="purchase_bucket_id_fk", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="purchase_pk"),
        sa.UniqueConstraint("deposit_id", name="purchase_deposit_id_unique"),
        sa.UniqueConstraint("bucket_id", name="purchase_bucket_id_unique"),
    )
    op.create_index("purchase_owner_index", "purchase", ["owner"])
    op.create_table(
        "receipt",
        sa.Column("txid", _ascii(64), nullable=False),
        sa.Column("vout", sa.BigInteger(), nullable=False),
        sa.Column("deposit_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_sat", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", _ascii(64)),
        sa.Column("height", sa.Integer()),
        sa.Column("credited", sa.Boolean(), nullable=False),
        sa.Column("final", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _moment("seen"),
        sa.CheckConstraint("amount_sat >= 0", name="receipt_amount_check"),
        sa.CheckConstraint("(block_hash IS NULL) = (height IS NULL)", name="receipt_block_check"),
        sa.CheckConstraint("block_hash IS NOT NULL OR NOT credited", name="receipt_credit_check"),
        sa.CheckConstraint("credited OR NOT final", name="receipt_final_check"),
        sa.ForeignKeyConstraint(["deposit_id"], ["deposit.id"], name="receipt_deposit_id_fk"),
        sa.PrimaryKeyConstraint("txid", "vout", name="receipt_pk"),
    )
    op.create_index("receipt_deposit_id_index", "receipt", ["deposit_id"])
    op.create_index("receipt_pending_index", "receipt", ["height"], postgresql_where=sa.text("NOT final"))


def _ledger() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("ledger_transaction_seq")))
    op.create_table(
        "ledger",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(16), nullable=False),
        sa.Column("owner", _ascii(35)),
        sa.Column("amount_sat", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.String(200), nullable=False),
        _moment("created"),
        sa.CheckConstraint("account IN ('owner', 'deposits', 'income')", name="ledger_account_check"),
        sa.CheckConstraint("(account = 'owner') = (owner IS NOT NULL)", name="ledger_owner_check"),
        sa.ForeignKeyConstraint(["owner"], ["owner.address"], name="ledger_owner_fk"),
        sa.PrimaryKeyConstraint("id", name="ledger_pk"),
    )
    op.create_index("ledger_transaction_id_index", "ledger", ["transaction_id"])
    op.create_index("ledger_owner_index", "ledger", ["owner"], postgresql_where=sa.text("owner IS NOT NULL"))
    # 23000: a fault of ours, not a race that is worth another try.
    op.execute("""
        CREATE FUNCTION ledger_check_sum() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (
                SELECT sum(amount_sat) FROM ledger
                WHERE transaction_id = coalesce(NEW.transaction_id, OLD.transaction_id)
            ) <> 0 THEN
                RAISE EXCEPTION 'the entries of a ledger transaction do not sum to zero' USING ERRCODE = '23000';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER ledger_sum_check AFTER INSERT OR DELETE ON ledger
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_sum()
    """)
    op.execute("""
        CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'entries of the ledger do not change' USING ERRCODE = '23000';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER ledger_unchanged BEFORE UPDATE ON ledger
        FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
    """)


def _warnings() -> None:
    op.create_table(
        "warning",
        sa.Column("bucket_id", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("contact", sa.String(200), nullable=False),
        sa.Column("claimed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="warning_bucket_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("bucket_id", "days", name="warning_pk"),
    )
    op.create_index("warning_contact_index", "warning", ["contact", "claimed"])
