"""Cartons and pallets, what is in them, and what happened to each"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_N = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "carton",
        sa.Column("sscc", sa.String(length=18), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("order", sa.String(length=64), nullable=True),
        sa.Column("product", sa.String(length=64), nullable=True),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("bound", sa.Boolean(), nullable=False),
        sa.Column("have", sa.Integer(), nullable=False),
        sa.Column("weight_g", sa.Double(), nullable=True),
        sa.Column("weighed", sa.String(length=40), nullable=True),
        sa.Column("parent", sa.String(length=18), nullable=True),
        sa.Column("held", sa.String(length=40), nullable=False),
        sa.Column("held_args", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=True),
        sa.Column("opened_at", sa.String(length=27), nullable=True),
        sa.Column("closed_at", sa.String(length=27), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("numbered_at", sa.String(length=27), nullable=False),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("sscc", name=op.f("pk_carton")),
    )
    for column in ("state", "order", "parent"):
        op.create_index(op.f(f"ix_carton_{column}"), "carton", [column])
    op.create_table(
        "packed",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("carton", sa.String(length=18), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=True),
        sa.Column("order", sa.String(length=64), nullable=True),
        sa.Column("inner", sa.String(length=18), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("packed_at", sa.String(length=27), nullable=False),
        sa.Column("removed_at", sa.String(length=27), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packed")),
    )
    for column in ("carton", "unit", "order", "inner"):
        op.create_index(op.f(f"ix_packed_{column}"), "packed", [column])
    op.create_table(
        "carton_event",
        sa.Column("carton", sa.String(length=18), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("carton", "number", name=op.f("pk_carton_event")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("carton_event")
    op.drop_table("packed")
    op.drop_table("carton")
