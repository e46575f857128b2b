"""The life of a nonconformity: what it concerns, what is decided on each, remarks, concessions"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TEXTS = (
    ("title", sa.String(length=120)),
    ("requirement", sa.Text()),
    ("severity", sa.String(length=40)),
    ("customer", sa.String(length=120)),
    ("supplier", sa.String(length=120)),
    ("reference", sa.String(length=120)),
    ("place", sa.String(length=120)),
    ("analysis", sa.Text()),
)
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBERS = (
    ("cost_material", POSITION),
    ("cost_work", POSITION),
    ("cost_other", POSITION),
    ("items", sa.Integer()),
    ("remarks", sa.Integer()),
)
DATES = (
    ("customer_informed", sa.String(length=10)),
    ("contained_at", sa.String(length=27)),
    ("analysed_at", sa.String(length=27)),
    ("merged_into", sa.String(length=64)),
)


def upgrade() -> None:
    """To this revision: what is there gets what a replay of its ledger gives."""
    with op.batch_alter_table("nonconformity") as table:
        for name, kind in TEXTS:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=""))
        for name, whole in NUMBERS:
            table.add_column(sa.Column(name, whole, nullable=False, server_default="1" if name == "items" else "0"))
        table.add_column(sa.Column("labelled", sa.Boolean(), nullable=False, server_default=sa.false()))
        for name, kind in DATES:
            table.add_column(sa.Column(name, kind, nullable=True))
    with op.batch_alter_table("nonconformity") as table:
        for name in (*(n for n, _ in TEXTS), *(n for n, _ in NUMBERS), "labelled"):
            table.alter_column(name, server_default=None)
    _items()
    op.create_table(
        "nc_remark",
        sa.Column("nc", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("file_type", sa.String(length=40), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("nc", "number", name=op.f("pk_nc_remark")),
    )
    op.create_table(
        "concession",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("nc", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("serials", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("expires", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("authority", sa.String(length=120), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", sa.String(length=27), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.CheckConstraint("remaining >= 0 and remaining <= count", name=op.f("ck_concession_remaining")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concession")),
    )
    op.create_index(op.f("ix_concession_nc"), "concession", ["nc"])


def _items() -> None:
    """The units of the nonconformities that are there, decided as their ledger says."""
    items = op.create_table(
        "nc_item",
        sa.Column("nc", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=120), nullable=False),
        sa.Column("precaution", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("concession", sa.String(length=64), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", sa.String(length=27), nullable=True),
        sa.Column("verified_at", sa.String(length=27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("n", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("nc", "item", name=op.f("pk_nc_item")),
    )
    op.create_index(op.f("ix_nc_item_subject"), "nc_item", ["subject"])
    op.create_index(op.f("ix_nc_item_state"), "nc_item", ["state"])
    db = op.get_bind()
    said = _decisions(db)
    names = "id, unit, state, disposition, why, decided_at, closed_at, n"
    rows = db.execute(sa.text(f"select {names} from nonconformity")).mappings().all()  # noqa: S608  no value in it
    made = []
    for row in rows:
        by, step = said.get(row["id"], ("", ""))
        undecided = row["state"] == "open"
        passed = row["state"] == "closed" and row["disposition"] != "scrap"
        made.append(
            {
                "nc": row["id"],
                "item": 1,
                "kind": "unit",
                "subject": row["unit"],
                "part": "",
                "quantity": 1,
                "why": "",
                "precaution": False,
                "state": {"open": "undecided", "closed": "settled"}.get(row["state"], row["state"]),
                "disposition": None if undecided else row["disposition"],
                "step": "" if undecided else step,
                "concession": None,
                "decided_by": "" if undecided else by,
                "decided_at": None if undecided else row["decided_at"],
                "verified_at": row["closed_at"] if passed else None,
                "note": row["why"],
                "n": row["n"],
            }
        )
    if made:
        op.bulk_insert(items, made)


def _decisions(db: sa.Connection) -> dict[str, tuple[str, str]]:
    """Nonconformity → who has decided it last, and the step that the unit was sent to."""
    rows = db.execute(
        sa.text(
            "select operator, body, args from ledger where kind = 'NonconformityDecided'"
            " and status = 'recorded' and verdict = 'accepted' order by n"
        )
    )
    found = {}
    for operator, body, args in rows:
        found[json.loads(body)["nc"]] = (operator or "", json.loads(args).get("step", ""))
    return found


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("concession")
    op.drop_table("nc_remark")
    op.drop_table("nc_item")
    with op.batch_alter_table("nonconformity") as table:
        for name, _ in (*DATES, *NUMBERS, *TEXTS):
            table.drop_column(name)
        table.drop_column("labelled")
