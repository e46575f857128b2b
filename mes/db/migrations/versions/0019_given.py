"""How many serials the customer has given for an order"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision: no order had a list."""
    with op.batch_alter_table("work_order") as table:
        table.add_column(sa.Column("given", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("work_order") as table:
        table.alter_column("given", server_default=None)


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("work_order") as table:
        table.drop_column("given")
