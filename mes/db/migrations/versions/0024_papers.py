"""Papers that were given out with goods, by the hash of their file"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_N = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision: none was given out yet."""
    op.create_table(
        "issued_paper",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("paper", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("facts_at", sa.String(length=27), nullable=False),
        sa.Column("issued_at", sa.String(length=27), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_issued_paper")),
    )
    op.create_index(op.f("ix_issued_paper_subject"), "issued_paper", ["subject"])


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("issued_paper")
