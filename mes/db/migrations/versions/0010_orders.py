"""The customer's reference, the priority, the state that a hold interrupts, and the order that one was split from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NEW = ("reference", "priority", "held_from", "split_from")


def upgrade() -> None:
    """To this revision: what is there gets what a replay of its ledger gives."""
    with op.batch_alter_table("work_order") as table:
        table.add_column(sa.Column("reference", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="2"))
        table.add_column(sa.Column("held_from", sa.String(length=40), nullable=False, server_default=""))
        table.add_column(sa.Column("split_from", sa.String(length=64), nullable=True))
    with op.batch_alter_table("work_order") as table:
        for name in NEW[:3]:
            table.alter_column(name, server_default=None)
        table.create_index(op.f("ix_work_order_split_from"), ["split_from"])


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("work_order") as table:
        table.drop_index(op.f("ix_work_order_split_from"))
        for name in reversed(NEW):
            table.drop_column(name)
