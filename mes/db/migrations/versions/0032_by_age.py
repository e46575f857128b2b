"""Indexes of what pages ask for, so that a page reads what it shows, and not all that there ever was"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_index(op.f("ix_work_order_created_at_id"), "work_order", ["created_at", "id"])
    op.create_index(op.f("ix_visit_station_started_at"), "visit", ["station", "started_at"])
    there = sa.text("station is not null")
    op.drop_index(op.f("ix_unit_station_state"), table_name="unit")
    op.create_index(
        op.f("ix_unit_station_state"), "unit", ["station", "state"], sqlite_where=there, postgresql_where=there
    )
    office = sa.text("source = 'office'")
    op.create_index(
        "ix_ledger_office_received_at",
        "ledger",
        ["source", "received_at", "seq"],
        sqlite_where=office,
        postgresql_where=office,
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_index("ix_ledger_office_received_at", table_name="ledger")
    op.drop_index(op.f("ix_unit_station_state"), table_name="unit")
    op.create_index(op.f("ix_unit_station_state"), "unit", ["station", "state"])
    op.drop_index(op.f("ix_visit_station_started_at"), table_name="visit")
    op.drop_index(op.f("ix_work_order_created_at_id"), table_name="work_order")
