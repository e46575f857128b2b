"""Acceptance sampling: lots, their units, and series"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=64), nullable=nullable)


def _word(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=40), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "lot_inspection",
        *map(_id, ("id", "order", "product", "step")),
        _whole("quantity"),
        _text("cartons"),
        *map(_word, ("level", "aql", "severity", "letter")),
        *map(_whole, ("sample", "accept", "found")),
        _text("bad"),
        _word("state"),
        _id("again", nullable=True),
        _id("nc", nullable=True),
        _text("note"),
        _word("severity_after"),
        _whole("score_after"),
        _id("event_id"),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_inspection")),
    )
    op.create_index(op.f("ix_lot_inspection_order"), "lot_inspection", ["order"])
    op.create_index(op.f("ix_lot_inspection_product_step"), "lot_inspection", ["product", "step"])
    op.create_index(op.f("ix_lot_inspection_at"), "lot_inspection", ["at"])
    op.create_table(
        "inspected_unit",
        *map(_id, ("unit", "step", "inspection")),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("unit", "step", name=op.f("pk_inspected_unit")),
    )
    op.create_index(op.f("ix_inspected_unit_inspection"), "inspected_unit", ["inspection"])
    op.create_table(
        "sampling_series",
        *map(_id, ("product", "step")),
        *map(_word, ("level", "aql", "severity")),
        _whole("score"),
        _text("recent"),
        _whole("not_accepted"),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        _text("decisions"),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("product", "step", name=op.f("pk_sampling_series")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("sampling_series")
    op.drop_table("inspected_unit")
    op.drop_table("lot_inspection")
