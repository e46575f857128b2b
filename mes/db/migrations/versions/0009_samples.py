"""Samples of units in burn-in, where in the rack a unit stands, and how long it has been seen to run"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("unit", sa.Column("place", sa.Integer(), nullable=True))
    op.add_column("unit", sa.Column("burn", sa.Text(), nullable=True))
    op.create_table(
        "reading",
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sample", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("test", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("unit", "step", "visit", "sample", "test", name=op.f("pk_reading")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("reading")
    op.drop_column("unit", "burn")
    op.drop_column("unit", "place")
