"""The component lots that counted orders use: which is loaded where, and how many pieces were made of each"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=64), nullable=False)


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "loaded",
        *map(_key, ("order", "step", "station", "part", "lot")),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("order", "step", "station", "part", name=op.f("pk_loaded")),
    )
    op.create_table(
        "lot_use",
        *map(_key, ("order", "step", "part", "lot")),
        sa.Column("pieces", POSITION, nullable=False),
        sa.Column("quantity", POSITION, nullable=False),
        sa.Column("used_at", sa.String(length=27), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("order", "step", "part", "lot", name=op.f("pk_lot_use")),
    )
    op.create_index(op.f("ix_lot_use_part_lot"), "lot_use", ["part", "lot"])
    op.create_index(op.f("ix_lot_use_lot"), "lot_use", ["lot"])


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("lot_use")
    op.drop_table("loaded")
