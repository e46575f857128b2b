"""Indices of the nonconformity log: by time, product and order"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_COLUMNS = ("opened_at", "order", "product")


def upgrade() -> None:
    """To this revision."""
    for column in _COLUMNS:
        op.create_index(op.f(f"ix_nonconformity_{column}"), "nonconformity", [column])


def downgrade() -> None:
    """Back to the one before."""
    for column in reversed(_COLUMNS):
        op.drop_index(op.f(f"ix_nonconformity_{column}"), table_name="nonconformity")
