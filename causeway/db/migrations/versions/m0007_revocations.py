"""Delegates that an enrollment revokes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    revoked = ARRAY(sa.String(35, collation="C"))
    op.add_column("delegation", sa.Column("revoked", revoked, server_default=sa.text("'{}'"), nullable=False))
    op.create_index(
        "delegation_revoked_index", "delegation", ["master"], postgresql_where=sa.text("revoked <> '{}'::varchar[]")
    )


def downgrade() -> None:
    op.drop_index("delegation_revoked_index", "delegation")
    op.drop_column("delegation", "revoked")
