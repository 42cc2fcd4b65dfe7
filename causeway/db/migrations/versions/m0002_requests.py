"""What requests of the versioned API need: jobs found by their words, bids by their amount, and tombstones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What documents that are stored already say, taken from their text: a label at the start of a line has its value
# behind it, with line feeds written as \n.
_DESCRIPTION = r"""replace(substring(armored FROM E'\nDescription: ([^\n]*)'), E'\\n', ' ')"""
_AMOUNT = r"""substring(armored FROM E'\nBid amount \\(BTC\\): ([0-9]{1,8}(\\.[0-9]{1,8})?)\n')"""


def upgrade() -> None:
    op.add_column("document", sa.Column("amount_sat", sa.BigInteger()))
    op.add_column("document", sa.Column("words", postgresql.TSVECTOR()))
    for statement in fill():
        op.execute(statement)
    _index("amount", "order_id", "amount_sat", where="amount_sat IS NOT NULL")
    _index("network", "network", "seq")
    _index("offer", "order_id", "signer", where="kind = 'offer'")
    _index("tags", "tags", where="kind = 'job'", using="gin")
    _index("words", "words", where="words IS NOT NULL", using="gin")
    op.create_table(
        "tombstone",
        sa.Column("document_id", sa.String(64, collation="C"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(35, collation="C"), nullable=False),
        sa.Column("removed", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="tombstone_pk"),
        sa.UniqueConstraint("seq", name="tombstone_seq_unique"),
    )


def downgrade() -> None:
    op.drop_table("tombstone")
    for name in ("amount", "network", "offer", "tags", "words"):
        op.drop_index(f"document_{name}_index", "document")
    op.drop_column("document", "words")
    op.drop_column("document", "amount_sat")


def fill() -> tuple[sa.Update, sa.Update]:
    """Statements that set the new columns of the documents that are stored already."""
    document = sa.table("document", sa.column("words"), sa.column("amount_sat"), sa.column("kind"))
    words = sa.text(f"to_tsvector('simple', concat_ws(' ', title, array_to_string(tags, ' '), {_DESCRIPTION}))")
    amount = sa.text(f"({_AMOUNT}::numeric * 100000000)::bigint")
    return (
        document.update().where(document.c.kind == "job").values(words=words),
        document.update().where(document.c.kind == "bid").values(amount_sat=amount),
    )


def _index(name: str, *columns: str, where: str | None = None, using: str = "btree") -> None:
    op.create_index(
        f"document_{name}_index",
        "document",
        columns,
        postgresql_where=sa.text(where) if where else None,
        postgresql_using=using,
    )
