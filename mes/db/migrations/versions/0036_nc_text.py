"""What the search of the log looks at: filled from the ledger"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_TABLES = "nc_text"


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "nc_text",
        sa.Column("nc", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("nc", name=op.f("pk_nc_text")),
    )
    db = op.get_bind()
    if db.scalar(sa.text("SELECT max(n) FROM ledger")) is None:
        return
    marked = db.scalar(sa.text("SELECT value FROM meta WHERE key = 'rebuild'"))
    db.execute(sa.text("DELETE FROM meta WHERE key = 'rebuild'"))
    named = " ".join(dict.fromkeys(f"{marked or ''} {_TABLES}".split()))
    db.execute(sa.text("INSERT INTO meta (key, value) VALUES ('rebuild', :named)"), {"named": named})


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("nc_text")
