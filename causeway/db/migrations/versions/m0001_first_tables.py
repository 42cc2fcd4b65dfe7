"""The first tables: owners, buckets, nonces, delegations, values and the index of documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def _ascii(length: int) -> sa.String:
    return sa.String(length, collation="C")


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=NOW, nullable=False)


def _index(table: str, name: str, *columns: str, where: str | None = None) -> None:
    op.create_index(f"{table}_{name}_index", table, columns, postgresql_where=sa.text(where) if where else None)


def upgrade() -> None:
    _installation()
    _owners()
    _authority()
    _documents()
    _enrollments()
    _values()


def downgrade() -> None:
    for table in ("kv", "enrollment", "document", "delegation", "nonce_use", "bucket", "owner", "installation"):
        op.drop_table(table)
    op.execute(sa.schema.DropSequence(sa.Sequence("document_seq")))


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("network", sa.String(16), nullable=False),
        sa.Column("nonce_secret", sa.LargeBinary(), nullable=False),
        _moment("created"),
        sa.CheckConstraint("id = 1", name="installation_only_row_check"),
        sa.PrimaryKeyConstraint("id", name="installation_pk"),
    )


def _owners() -> None:
    op.create_table(
        "owner",
        sa.Column("address", _ascii(35), nullable=False),
        sa.Column("delegate", _ascii(35)),
        sa.Column("contact", sa.String(200)),
        _moment("created"),
        sa.PrimaryKeyConstraint("address", name="owner_pk"),
    )
    op.create_table(
        "bucket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner", _ascii(35), nullable=False),
        _moment("created"),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bytes_total", sa.BigInteger(), nullable=False),
        sa.Column("bytes_used", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("transfer_total", sa.BigInteger(), nullable=False),
        sa.Column("transfer_used", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("bytes_used BETWEEN 0 AND bytes_total", name="bucket_storage_check"),
        sa.CheckConstraint("transfer_used BETWEEN 0 AND transfer_total", name="bucket_transfer_check"),
        sa.ForeignKeyConstraint(["owner"], ["owner.address"], name="bucket_owner_fk"),
        sa.PrimaryKeyConstraint("id", name="bucket_pk"),
        sa.UniqueConstraint("id", "owner", name="bucket_id_owner_unique"),
    )
    _index("bucket", "owner", "owner")


def _authority() -> None:
    op.create_table(
        "nonce_use",
        sa.Column("nonce", _ascii(32), nullable=False),
        sa.Column("key", _ascii(128), nullable=False),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", "key", name="nonce_use_pk"),
        sa.UniqueConstraint("text_hash", name="nonce_use_text_hash_unique"),
    )
    op.create_table(
        "delegation",
        sa.Column("enrollment", _ascii(64), nullable=False),
        sa.Column("master", _ascii(35), nullable=False),
        sa.Column("delegate", _ascii(35), nullable=False),
        sa.Column("previous", _ascii(64)),
        sa.PrimaryKeyConstraint("enrollment", name="delegation_pk"),
    )
    _index("delegation", "proof", "master", "delegate")
    _index("delegation", "previous", "previous", where="previous IS NOT NULL")


def _documents() -> None:
    parties = [f"{role}_{what}" for role in ("creator", "worker", "mediator") for what in ("address", "key")]
    op.execute(sa.schema.CreateSequence(sa.Sequence("document_seq")))
    op.create_table(
        "document",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", _ascii(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("legacy", sa.Boolean(), nullable=False),
        sa.Column("network", sa.String(16), nullable=False),
        sa.Column("title", sa.String(100)),
        sa.Column("job_id", _ascii(64)),
        sa.Column("order_id", _ascii(64)),
        sa.Column("previous", _ascii(64)),
        sa.Column("author", _ascii(35)),
        sa.Column("signer", _ascii(35), nullable=False),
        *(sa.Column(name, _ascii(130 if name.endswith("key") else 35)) for name in parties),
        sa.Column("tags", postgresql.ARRAY(sa.String(32)), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("block_height", sa.Integer()),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("armored", sa.Text(), nullable=False),
        _moment("stored"),
        sa.CheckConstraint(
            "kind IN ('enrollment', 'job', 'bid', 'offer', 'delivery', 'accept')", name="document_kind_check"
        ),
        sa.PrimaryKeyConstraint("seq", name="document_pk"),
        sa.UniqueConstraint("id", name="document_id_unique"),
    )
    _index("document", "kind", "kind", "seq")
    for column in ("job_id", "order_id", *parties):
        _index("document", column, column, "kind", "seq", where=f"{column} IS NOT NULL")


def _enrollments() -> None:
    op.create_table(
        "enrollment",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", _ascii(64), nullable=False),
        sa.Column("master", _ascii(35), nullable=False),
        sa.Column("sin", _ascii(40), nullable=False),
        sa.Column("delegate", _ascii(35)),
        sa.Column("name", sa.String(600)),
        sa.Column("contact", sa.String(600)),
        sa.Column("willing_to_mediate", sa.Boolean(), nullable=False),
        sa.Column("previous", _ascii(64)),
        sa.Column("block_height", sa.Integer()),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["document.seq"], name="enrollment_seq_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name="enrollment_pk"),
        sa.UniqueConstraint("id", name="enrollment_id_unique"),
    )
    for column in ("master", "delegate", "sin"):
        _index("enrollment", column, column, "seq")
    for column in ("name", "contact"):
        _index("enrollment", column, column, "seq", where="is_current")
    _index("enrollment", "mediator", "seq", where="is_current AND willing_to_mediate")
    _index("enrollment", "previous", "previous", where="previous IS NOT NULL")


def _values() -> None:
    op.create_table(
        "kv",
        sa.Column("key", _ascii(128), nullable=False),
        sa.Column("owner", _ascii(35), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", _ascii(64)),
        sa.Column("testnet", sa.Boolean(), nullable=False),
        _moment("stored"),
        sa.ForeignKeyConstraint(["bucket_id", "owner"], ["bucket.id", "bucket.owner"], name="kv_bucket_id_fk"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="kv_document_id_fk"),
        sa.PrimaryKeyConstraint("key", name="kv_pk"),
    )
    _index("kv", "document_id", "document_id", where="document_id IS NOT NULL")
