"""Sums over steps by the quarter of an hour instead of the hour: filled from the ledger"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
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


def _key(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _counts() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS] + [_big("took_ms")]


def upgrade() -> None:
    """To this revision."""
    _replace("step_hour", "step_quarter", "quarter", 16)


def downgrade() -> None:
    """Back to the one before."""
    _replace("step_quarter", "step_hour", "hour", 13)


def _replace(old: str, new: str, column: str, length: int) -> None:
    op.drop_table(old)
    op.create_table(
        new,
        _key(column, length),
        _key("product"),
        _key("step"),
        _key("station"),
        *_counts(),
        _big("n"),
        sa.PrimaryKeyConstraint(column, "product", "step", "station", name=op.f(f"pk_{new}")),
    )
    op.create_index(op.f(f"ix_{new}_product_{column}"), new, ["product", column])
    db = op.get_bind()
    if db.scalar(sa.text("SELECT max(n) FROM ledger")) is None:
        return
    marked = db.scalar(sa.text("SELECT value FROM meta WHERE key = 'rebuild'"))
    db.execute(sa.text("DELETE FROM meta WHERE key = 'rebuild'"))
    named = " ".join(dict.fromkeys([*(n for n in (marked or "").split() if n != old), new]))
    db.execute(sa.text("INSERT INTO meta (key, value) VALUES ('rebuild', :named)"), {"named": named})
