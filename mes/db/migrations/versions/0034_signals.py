"""Control charts that are watched, and their signals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=64), nullable=nullable)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _number(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double(), nullable=False) for name in names]


def _time(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=27), nullable=nullable)


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "watch",
        *map(_id, ("product", "step", "test")),
        *_number("centre", "sigma"),
        *_text("readings"),
        _id("signal", nullable=True),
        *_text("since"),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("product", "step", "test", name=op.f("pk_watch")),
    )
    op.create_table(
        "control_signal",
        *map(_id, ("id", "product", "step", "test", "station")),
        sa.Column("measure", sa.String(length=40), nullable=False),
        *_number("centre", "sigma"),
        sa.Column("state", sa.String(length=40), nullable=False),
        *_text("broken", "readings"),
        _id("event_id"),
        _time("opened_at", nullable=False),
        _time("over_at"),
        _time("closed_at"),
        sa.Column("cause", sa.String(length=40), nullable=False),
        *_text("why"),
        _id("nc", nullable=True),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_signal")),
    )
    op.create_index(op.f("ix_control_signal_state"), "control_signal", ["state"])
    op.create_index(op.f("ix_control_signal_opened_at"), "control_signal", ["opened_at"])
    op.create_index(op.f("ix_control_signal_nc"), "control_signal", ["nc"])


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("control_signal")
    op.drop_table("watch")
