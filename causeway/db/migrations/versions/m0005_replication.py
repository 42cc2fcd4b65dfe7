"""Tables of the feature replication, and whose deletions count for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _ascii(length: int) -> sa.String:
    return sa.String(length, collation="C")


def _count(name: str, kind: type[sa.Integer]) -> sa.Column[object]:
    return sa.Column(name, kind(), server_default=sa.text("0"), nullable=False)


def upgrade() -> None:
    op.add_column("tombstone", sa.Column("final", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_table(
        "replica",
        sa.Column("document_id", _ascii(64), nullable=False),
        sa.Column("peer", _ascii(300), nullable=False),
        sa.Column("signer", _ascii(35), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="replica_document_id_fk"),
        sa.PrimaryKeyConstraint("document_id", name="replica_pk"),
    )
    op.create_index("replica_peer_index", "replica", ["peer", "size"])
    op.create_index("replica_signer_index", "replica", ["signer", "size"])
    op.create_table(
        "peer",
        sa.Column("url", _ascii(300), nullable=False),
        sa.Column("server", _ascii(32)),
        sa.Column("version", sa.String(40)),
        _count("cursor", sa.BigInteger),
        _count("latest", sa.BigInteger),
        sa.Column("begun", sa.DateTime(timezone=True)),
        sa.Column("succeeded", sa.DateTime(timezone=True)),
        sa.Column("next_try", sa.DateTime(timezone=True)),
        sa.Column("state", sa.String(16), server_default="new", nullable=False),
        sa.Column("why", sa.String(200)),
        _count("failures", sa.Integer),
        _count("doubts", sa.Integer),
        _count("taken", sa.BigInteger),
        _count("refused", sa.BigInteger),
        _count("skipped", sa.BigInteger),
        _count("resets", sa.BigInteger),
        sa.PrimaryKeyConstraint("url", name="peer_pk"),
    )


def downgrade() -> None:
    op.drop_column("tombstone", "final")
    # What is kept for peers only would be left without a copy.
    op.execute("CREATE TEMPORARY TABLE only_replica ON COMMIT DROP AS SELECT document_id FROM replica")
    op.drop_table("peer")
    op.drop_table("replica")
    for table, column in (("delegation", "enrollment"), ("document", "id")):
        op.execute(
            f"DELETE FROM {table} WHERE {column} IN (SELECT document_id FROM only_replica) "  # noqa: S608  # our names
            f"AND NOT EXISTS (SELECT 1 FROM kv WHERE kv.document_id = {table}.{column})"
        )
