"""Releases: what may leave, by whose authority"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_N = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "product_release",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("order", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("carton", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("back", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_release")),
    )
    op.create_index(op.f("ix_product_release_order"), "product_release", ["order"])
    op.create_table(
        "released_unit",
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_released_unit")),
    )
    op.create_index(op.f("ix_released_unit_release"), "released_unit", ["release"])


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("released_unit")
    op.drop_table("product_release")
