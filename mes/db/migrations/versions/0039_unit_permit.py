"""The concession that a unit is to go on under, until the gate has let it on"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    there = sa.text("permit is not null")
    op.add_column("unit", sa.Column("permit", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_unit_permit"), "unit", ["permit"], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    """Back to the one before."""
    op.drop_index(op.f("ix_unit_permit"), table_name="unit")
    op.drop_column("unit", "permit")
