"""Where the ledger tells of a unit, dossiers that were given out, and a component's way to its units by its number alone"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TOLD = ("UnitsTested", "UnitsInspected", "UnitsRepaired", "UnitsDisqualified")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "unit_event",
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("unit", "event_id", name=op.f("pk_unit_event")),
    )
    op.create_table(
        "dossier",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("facts_at", sa.String(length=27), nullable=False),
        sa.Column("issued_at", sa.String(length=27), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_dossier")),
    )
    op.create_index(op.f("ix_installation_serial"), "installation", ["serial"])
    op.create_index(op.f("ix_installation_lot"), "installation", ["lot"])
    _fill()


def downgrade() -> None:
    """Back to the one before."""
    op.drop_index(op.f("ix_installation_lot"), table_name="installation")
    op.drop_index(op.f("ix_installation_serial"), table_name="installation")
    op.drop_table("dossier")
    op.drop_table("unit_event")


def _fill() -> None:
    """What the ledger has told of units so far, as a replay would write it."""
    connection = op.get_bind()
    ledger = sa.table("ledger", *map(sa.column, ("n", "event_id", "kind", "body", "status", "verdict", "source")))
    quarantine = sa.table("quarantine", *map(sa.column, ("event_id", "ledger_n", "requeued_n")))
    unit = sa.table("unit", sa.column("serial"))
    told = sa.table("unit_event", *map(sa.column, ("unit", "event_id", "n")))
    again = ledger.alias("again")
    judged = sa.func.coalesce(again.c.verdict, ledger.c.verdict)
    query = (
        sa.select(ledger.c.event_id, ledger.c.body, sa.func.coalesce(again.c.n, ledger.c.n).label("at_n"))
        .outerjoin(quarantine, quarantine.c.ledger_n == ledger.c.n)
        .outerjoin(again, again.c.n == quarantine.c.requeued_n)
        .where(ledger.c.kind.in_(TOLD), ledger.c.source != "office", judged.in_(("accepted", "held")))
        .order_by(ledger.c.n)
    )
    rows = connection.execute(query).all()
    known = set(connection.scalars(sa.select(unit.c.serial)))
    found = [{"unit": json.loads(r.body)["unit"], "event_id": r.event_id, "n": r.at_n} for r in rows]
    found = [f for f in found if f["unit"] in known]
    for i in range(0, len(found), 1_000):
        connection.execute(sa.insert(told), found[i : i + 1_000])
