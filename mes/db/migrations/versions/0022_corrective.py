"""Corrective actions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_N = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length) if length else sa.Text(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "corrective_action",
        _text("id", 64),
        _text("title"),
        _text("problem"),
        _text("product", 64),
        _text("step", 64),
        _text("defect", 64),
        _text("state", 40),
        _number("turn"),
        _text("criterion"),
        _text("check_by", 40),
        _number("check_after"),
        _text("opened_at", 27),
        _text("done_at", 27, nullable=True),
        _text("checked_at", 27, nullable=True),
        _text("ended_at", 27, nullable=True),
        _text("checked_by", 64),
        _text("note"),
        _number("before_found"),
        _number("before_of"),
        _number("after_found"),
        _number("after_of"),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrective_action")),
    )
    op.create_index(op.f("ix_corrective_action_state"), "corrective_action", ["state"])
    op.create_table(
        "action_cause",
        _text("action", 64),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _text("branch", 40),
        _text("text"),
        _number("under"),
        sa.Column("root", sa.Boolean(), nullable=False),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("action", "number", name=op.f("pk_action_cause")),
    )
    op.create_table(
        "action_task",
        _text("action", 64),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _number("turn"),
        _text("text"),
        _text("owner", 40),
        _text("due", 10),
        sa.Column("lasting", sa.Boolean(), nullable=False),
        _text("done_at", 27, nullable=True),
        _text("evidence"),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("action", "number", name=op.f("pk_action_task")),
    )
    op.create_index(op.f("ix_action_task_due"), "action_task", ["due"])
    op.create_table(
        "action_nc",
        _text("action", 64),
        _text("nc", 64),
        _text("why", 40),
        _text("at", 27),
        sa.Column("n", _N, nullable=False),
        sa.PrimaryKeyConstraint("action", "nc", name=op.f("pk_action_nc")),
    )
    op.create_index(op.f("ix_action_nc_nc"), "action_nc", ["nc"])


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("action_nc")
    op.drop_table("action_task")
    op.drop_table("action_cause")
    op.drop_table("corrective_action")
