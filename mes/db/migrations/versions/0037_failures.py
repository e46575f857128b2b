"""Failures one by one, by cause and by go: filled from the ledger"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def _text(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "failure",
        _text("event_id"),
        _text("unit"),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        _text("go", 40),
        _text("of", 40),
        _text("cause"),
        *map(_number, ("found", "once")),
        *map(_text, ("order", "product", "step", "station")),
        _text("at", 27),
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "unit", "place", name=op.f("pk_failure")),
    )
    op.create_index(op.f("ix_failure_go_at"), "failure", ["go", "at"])
    op.create_index(op.f("ix_failure_order"), "failure", ["order"])
    op.create_index(op.f("ix_failure_product_step_at"), "failure", ["product", "step", "at"])
    db = op.get_bind()
    if db.scalar(sa.text("SELECT max(n) FROM ledger")) is None:
        return
    marked = db.scalar(sa.text("SELECT value FROM meta WHERE key = 'rebuild'"))
    db.execute(sa.text("DELETE FROM meta WHERE key = 'rebuild'"))
    named = " ".join(dict.fromkeys([*(marked or "").split(), "failure"]))
    db.execute(sa.text("INSERT INTO meta (key, value) VALUES ('rebuild', :named)"), {"named": named})


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("failure")
