"""Deliveries: what has left the shop, or is about to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_N = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision: nothing has left yet."""
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("carrier", sa.String(length=120), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("prepared_by", sa.String(length=64), nullable=False),
        sa.Column("prepared_at", sa.String(length=27), nullable=False),
        sa.Column("sent_by", sa.String(length=64), nullable=False),
        sa.Column("sent_at", sa.String(length=27), nullable=True),
        sa.Column("cancelled_at", sa.String(length=27), nullable=True),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(op.f("ix_delivery_state"), "delivery", ["state"])
    op.create_table(
        "delivery_item",
        sa.Column("delivery", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("carton", sa.String(length=18), nullable=False),
        sa.Column("pallet", sa.String(length=18), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("delivery", "item", name=op.f("pk_delivery_item")),
    )
    for column in ("unit", "order", "carton", "pallet"):
        op.create_index(op.f(f"ix_delivery_item_{column}"), "delivery_item", [column])
    with op.batch_alter_table("unit") as table:
        table.add_column(sa.Column("delivery", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("unit") as table:
        table.drop_column("delivery")
    op.drop_table("delivery_item")
    op.drop_table("delivery")
