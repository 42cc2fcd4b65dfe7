"""Documents of any kind the protocol knows: a new type of document is no change of the database."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('enrollment', 'job', 'bid', 'offer', 'delivery', 'accept')"
_OTHERS = "DELETE FROM document WHERE kind NOT IN ('enrollment', 'job', 'bid', 'offer', 'delivery', 'accept')"


def upgrade() -> None:
    op.drop_constraint("document_kind_check", "document")


def downgrade() -> None:
    op.execute(_OTHERS)
    op.create_check_constraint("document_kind_check", "document", _KINDS)
