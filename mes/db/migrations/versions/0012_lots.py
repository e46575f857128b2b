"""Where component lots come from, how many pieces came in, and until when they may be used"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WITH_DEFAULT = (
    ("received", BIG, "0"),
    ("receipts", sa.Integer(), "0"),
    ("supplier", sa.String(length=120), ""),
    ("supplier_lot", sa.String(length=64), ""),
    ("owner", sa.String(length=40), "ours"),
    ("customer", sa.String(length=120), ""),
)
DAYS = ("received_on", "expires")


def upgrade() -> None:
    """To this revision: what is there gets what a replay of its ledger gives."""
    with op.batch_alter_table("lot") as table:
        for name, kind, default in WITH_DEFAULT:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        for name in DAYS:
            table.add_column(sa.Column(name, sa.String(length=10), nullable=True))
    with op.batch_alter_table("lot") as table:
        for name, _kind, _default in WITH_DEFAULT:
            table.alter_column(name, server_default=None)
        table.create_index(op.f("ix_lot_lot"), ["lot"])
        table.create_index(op.f("ix_lot_expires"), ["expires"])
    op.create_table(
        "receipt",
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("received_on", sa.String(length=10), nullable=False),
        sa.Column("supplier", sa.String(length=120), nullable=False),
        sa.Column("supplier_lot", sa.String(length=64), nullable=False),
        sa.Column("delivery", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=27), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("part", "lot", "number", name=op.f("pk_receipt")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("receipt")
    with op.batch_alter_table("lot") as table:
        table.drop_index(op.f("ix_lot_expires"))
        table.drop_index(op.f("ix_lot_lot"))
        for name in (*DAYS, *(name for name, _kind, _default in WITH_DEFAULT)):
            table.drop_column(name)
