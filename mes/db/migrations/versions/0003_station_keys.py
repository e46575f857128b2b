"""Keys of stations that are replaced, and the machine that holds one"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ADDED = (
    ("replaces", 64),
    ("used_at", 27),
    ("rotate_at", 27),
    ("boot_id", 64),
    ("boot_before", 64),
    ("boot_refused", 64),
)


def upgrade() -> None:
    """To this revision."""
    for name, length in ADDED:
        op.add_column("token", sa.Column(name, sa.String(length=length), nullable=True))


def downgrade() -> None:
    """Back to the one before."""
    for name, _length in reversed(ADDED):
        op.drop_column("token", name)
