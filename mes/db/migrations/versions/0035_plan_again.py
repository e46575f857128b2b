"""The plan of an earlier revision may be published again"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    with op.batch_alter_table("plan_revision") as table:
        table.drop_constraint(op.f("uq_plan_revision_hash"), type_="unique")


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("plan_revision") as table:
        table.create_unique_constraint(op.f("uq_plan_revision_hash"), ["hash"])
