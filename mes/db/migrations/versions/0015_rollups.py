"""Sums behind yields, and in which state each station was when

Rows that are there already are counted by the replay: a mark in `meta` asks for it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_COUNTS = (
    "begun",
    "first",
    "first_passed",
    "passed",
    "failed",
    "failures",
    "errors",
    "aborted",
    "defects",
    "reworked",
    "finished",
    "scrapped",
    "good",
    "scrap",
    "timed",
)
_TABLES = ("step_hour", "step_order", "step_defect", "spread", "station_span")


def _key(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _counts() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS] + [_big("took_ms")]


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "step_hour",
        _key("hour", 13),
        _key("product"),
        _key("step"),
        _key("station"),
        *_counts(),
        _big("n"),
        sa.PrimaryKeyConstraint("hour", "product", "step", "station", name=op.f("pk_step_hour")),
    )
    op.create_index(op.f("ix_step_hour_product_hour"), "step_hour", ["product", "hour"])
    op.create_table(
        "step_order",
        _key("order"),
        _key("step"),
        _key("product"),
        *_counts(),
        _big("n"),
        sa.PrimaryKeyConstraint("order", "step", name=op.f("pk_step_order")),
    )
    op.create_table(
        "step_defect",
        _key("day", 10),
        _key("product"),
        _key("step"),
        _key("defect"),
        sa.Column("found", sa.Integer(), nullable=False),
        _big("n"),
        sa.PrimaryKeyConstraint("day", "product", "step", "defect", name=op.f("pk_step_defect")),
    )
    op.create_table(
        "spread",
        _key("day", 10),
        _key("product"),
        _key("step"),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _big("n"),
        sa.PrimaryKeyConstraint("day", "product", "step", "bucket", name=op.f("pk_spread")),
    )
    op.create_table(
        "station_span",
        _key("station"),
        _key("since", 27),
        _key("until", 27),
        _key("state", 40),
        _big("n"),
        sa.PrimaryKeyConstraint("station", "since", name=op.f("pk_station_span")),
    )
    op.create_index(op.f("ix_station_span_since"), "station_span", ["since"])
    with op.batch_alter_table("station") as batch:
        batch.add_column(sa.Column("faults", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("counting", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("resource", sa.String(length=40), nullable=False, server_default="SBY"))
        batch.add_column(sa.Column("resource_since", sa.String(length=27), nullable=False, server_default=""))
    with op.batch_alter_table("station") as batch:
        for name in ("faults", "counting", "resource", "resource_since"):
            batch.alter_column(name, server_default=None)
    # What is marked here is built anew from the ledger before the database is used (`mes.rebuild`).
    named = " ".join((*_TABLES, "station"))
    if op.get_bind().scalar(sa.text("SELECT max(n) FROM ledger")) is not None:
        op.get_bind().execute(sa.text("INSERT INTO meta (key, value) VALUES ('rebuild', :named)"), {"named": named})


def downgrade() -> None:
    """Back to the one before."""
    op.execute("DELETE FROM meta WHERE key = 'rebuild'")
    with op.batch_alter_table("station") as batch:
        for name in ("resource_since", "resource", "counting", "faults"):
            batch.drop_column(name)
    for table in reversed(_TABLES):
        op.drop_table(table)
