"""When each unit began and when it was over; and what a concession finishes counts as finished: filled from the ledger"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_FILLED = ("passage", "step_quarter", "step_order")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "passage",
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_passage")),
    )
    op.create_index(op.f("ix_passage_began_at_product_ended_at"), "passage", ["began_at", "product", "ended_at"])
    op.create_index(op.f("ix_passage_ended_at_product_began_at"), "passage", ["ended_at", "product", "began_at"])
    op.create_index(
        "ix_passage_open",
        "passage",
        ["product", "began_at"],
        sqlite_where=sa.text("ended_at is null"),
        postgresql_where=sa.text("ended_at is null"),
    )
    db = op.get_bind()
    if db.scalar(sa.text("SELECT max(n) FROM ledger")) is None:
        return
    marked = db.scalar(sa.text("SELECT value FROM meta WHERE key = 'rebuild'"))
    db.execute(sa.text("DELETE FROM meta WHERE key = 'rebuild'"))
    named = " ".join(dict.fromkeys([*(marked or "").split(), *_FILLED]))
    db.execute(sa.text("INSERT INTO meta (key, value) VALUES ('rebuild', :named)"), {"named": named})


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("passage")
