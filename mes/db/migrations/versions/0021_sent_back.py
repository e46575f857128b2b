"""A finished unit that was sent back counts as open: orders and sums of before are filled from the ledger again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = "work_order step_hour step_order"


def upgrade() -> None:
    """To this revision."""
    db = op.get_bind()
    if db.scalar(sa.text("SELECT max(n) FROM ledger")) is None:
        return
    marked = db.scalar(sa.text("SELECT value FROM meta WHERE key = 'rebuild'"))
    db.execute(sa.text("DELETE FROM meta WHERE key = 'rebuild'"))
    named = " ".join(dict.fromkeys(f"{marked or ''} {_TABLES}".split()))
    db.execute(sa.text("INSERT INTO meta (key, value) VALUES ('rebuild', :named)"), {"named": named})


def downgrade() -> None:
    """Back to the one before: the tables are the same."""
