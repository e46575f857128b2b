"""Which concession a lot is used under, and each piece that went in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    for table in ("lot", "installation"):
        op.add_column(table, sa.Column("concession", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Back to the one before."""
    for table in ("installation", "lot"):
        op.drop_column(table, "concession")
