"""The register of instruments, their calibrations, and what each has measured"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision. What was measured before it named no instrument by its number, so nothing is filled in."""
    op.create_table(
        "instrument",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("serial", sa.String(length=120), nullable=False),
        sa.Column("supplier", sa.String(length=120), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("retired_on", sa.String(length=10), nullable=True),
        sa.Column("returned_on", sa.String(length=10), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("calibrations", sa.Integer(), nullable=False),
        sa.Column("done", sa.String(length=10), nullable=True),
        sa.Column("due", sa.String(length=10), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.Column("registered_at", sa.String(length=27), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instrument")),
    )
    op.create_index(op.f("ix_instrument_state_due"), "instrument", ["state", "due"])
    op.create_table(
        "calibration",
        sa.Column("instrument", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("done", sa.String(length=10), nullable=False),
        sa.Column("due", sa.String(length=10), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=False),
        sa.Column("supplier", sa.String(length=120), nullable=False),
        sa.Column("certificate", sa.String(length=120), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("file_type", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.String(length=27), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("instrument", "number", name=op.f("pk_calibration")),
    )
    op.create_table(
        "tested_with",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("order", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("fitness", sa.String(length=40), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("device", "event_id", name=op.f("pk_tested_with")),
    )
    op.create_index(op.f("ix_tested_with_device_at_event_id"), "tested_with", ["device", "at", "event_id"])
    op.create_index(op.f("ix_tested_with_device_unit"), "tested_with", ["device", "unit"])
    op.create_index(op.f("ix_tested_with_unit"), "tested_with", ["unit"])
    op.create_table(
        "file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("file")
    for index in ("ix_tested_with_unit", "ix_tested_with_device_unit", "ix_tested_with_device_at_event_id"):
        op.drop_index(op.f(index), table_name="tested_with")
    op.drop_table("tested_with")
    op.drop_table("calibration")
    op.drop_index(op.f("ix_instrument_state_due"), table_name="instrument")
    op.drop_table("instrument")
