"""A block is a Bitcoin block only: what is counted for the addresses of a subnet is in `subnet_day`."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("block_day", "subnet_day")
    op.alter_column("subnet_day", "block", new_column_name="subnet")
    op.execute("ALTER TABLE subnet_day RENAME CONSTRAINT block_day_pk TO subnet_day_pk")


def downgrade() -> None:
    op.execute("ALTER TABLE subnet_day RENAME CONSTRAINT subnet_day_pk TO block_day_pk")
    op.alter_column("subnet_day", "subnet", new_column_name="block")
    op.rename_table("subnet_day", "block_day")
