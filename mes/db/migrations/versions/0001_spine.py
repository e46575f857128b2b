"""The ledger and the state that is folded from it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# One change of a row passes: the operator and the veil of a floor event are forgotten, both at once, and nothing else is
# touched. A later migration that adds a column to the ledger adds it to KEPT (SQLite names each; PostgreSQL compares all).
FORGETS = "old.source <> 'office' AND old.operator IS NOT NULL AND old.operator <> '~' AND new.operator = '~' AND new.veil = ''"
KEPT = (
    "n", "source", "seq", "event_id", "kind", "v", "captured_at", "received_at", "mono_ms", "boot_id", "offset_ms",
    "operator_mark", "asks", "station", "body", "sha256", "status", "verdict", "reason", "args", "competence",
    "prev_hash", "hash",
)  # fmt: skip
SQLITE_GUARDS = (
    f"""
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
WHEN (({FORGETS}) AND {" AND ".join(f"new.{c} IS old.{c}" for c in KEPT)}) IS NOT TRUE
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
""",
    """
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
""",
)
POSTGRES_GUARDS = (
    f"""
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF ({FORGETS}) IS TRUE
            AND to_jsonb(new) - 'operator' - 'veil' = to_jsonb(old) - 'operator' - 'veil' THEN
            RETURN new;
        END IF;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only';
END $$
""",
    """
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only()
""",
    """
CREATE TRIGGER ledger_no_delete BEFORE DELETE OR TRUNCATE ON ledger
FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()
""",
)


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "chain",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_chain")),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "enrol_code",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("used_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_enrol_code")),
    )
    op.create_table(
        "fault",
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("fault", sa.String(length=64), nullable=False),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("station", "device", name=op.f("pk_fault")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=True),
        sa.Column("lot", sa.String(length=64), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("installed_at", sa.String(length=27), nullable=False),
        sa.Column("removed_at", sa.String(length=27), nullable=True),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    with op.batch_alter_table("installation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_installation_part_lot"), ["part", "lot"], unique=False)
        batch_op.create_index(batch_op.f("ix_installation_unit"), ["unit"], unique=False)
        batch_op.create_index(
            "uq_installation_part_serial",
            ["part", "serial"],
            unique=True,
            sqlite_where=sa.text("serial is not null and removed_at is null and not disputed"),
            postgresql_where=sa.text("serial is not null and removed_at is null and not disputed"),
        )

    op.create_table(
        "ledger",
        sa.Column("n", BIG, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("v", sa.Integer(), nullable=False),
        sa.Column("captured_at", sa.String(length=27), nullable=False),
        sa.Column("received_at", sa.String(length=27), nullable=False),
        sa.Column("mono_ms", BIG, nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("offset_ms", BIG, nullable=True),
        sa.Column("operator", sa.String(length=64), nullable=True),
        sa.Column("veil", sa.String(length=32), nullable=False),
        sa.Column("operator_mark", sa.String(length=64), nullable=False),
        sa.Column("asks", sa.Boolean(), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("competence", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("status in ('recorded', 'quarantined', 'conflict')", name=op.f("ck_ledger_status")),
        sa.CheckConstraint(
            "verdict in ('accepted', 'refused', 'held') or verdict is null", name=op.f("ck_ledger_verdict")
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_ledger")),
        sa.UniqueConstraint("event_id", name=op.f("uq_ledger_event_id")),
        sa.UniqueConstraint("source", "seq", name=op.f("uq_ledger_source_seq")),
    )
    op.create_table(
        "lot",
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("part", "lot", name=op.f("pk_lot")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "nonconformity",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("order", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("defect", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.String(length=27), nullable=False),
        sa.Column("decided_at", sa.String(length=27), nullable=True),
        sa.Column("closed_at", sa.String(length=27), nullable=True),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nonconformity")),
    )
    with op.batch_alter_table("nonconformity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_nonconformity_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_nonconformity_unit"), ["unit"], unique=False)

    op.create_table(
        "plan_revision",
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("published_at", sa.String(length=27), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_plan_revision")),
        sa.UniqueConstraint("hash", name=op.f("uq_plan_revision_hash")),
    )
    op.create_table(
        "presence",
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("machine_id", sa.String(length=128), nullable=False),
        sa.Column("seen_at", sa.String(length=27), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("offset_ms", BIG, nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("station", name=op.f("pk_presence")),
    )
    op.create_table(
        "quarantine",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("ledger_n", BIG, nullable=False),
        sa.Column("station", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("requeued_n", BIG, nullable=True),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "station",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=False),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.Column("signed_in", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("verdict_at", sa.String(length=27), nullable=True),
        sa.Column("unit", sa.String(length=64), nullable=True),
        sa.Column("help_since", sa.String(length=27), nullable=True),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station")),
    )
    op.create_table(
        "stream",
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("hwm_seq", BIG, nullable=False),
        sa.Column("hwm_event_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_stream")),
    )
    op.create_table(
        "tally",
        sa.Column("order", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("defect", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("order", "step", "defect", name=op.f("pk_tally")),
    )
    op.create_table(
        "token",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("machine_id", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_token")),
    )
    op.create_table(
        "unit",
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("order", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("visits", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tested", sa.String(length=40), nullable=True),
        sa.Column("inspected", sa.String(length=40), nullable=True),
        sa.Column("station", sa.String(length=64), nullable=True),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.Column("nc", sa.String(length=64), nullable=True),
        sa.Column("treating", sa.String(length=64), nullable=True),
        sa.Column("reverify", sa.String(length=64), nullable=True),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_unit")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_n"), ["n"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_order_state"), ["order", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_station_state"), ["station", "state"], unique=False)

    op.create_table(
        "visit",
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("unit", "step", "visit", name=op.f("pk_visit")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_station_ended_at"), ["station", "ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_step_ended_at"), ["step", "ended_at"], unique=False)

    op.create_table(
        "work_order",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("due", sa.String(length=10), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("open_units", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("released_at", sa.String(length=27), nullable=True),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order")),
    )
    with op.batch_alter_table("work_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_order_state"), ["state"], unique=False)
    for guard in POSTGRES_GUARDS if op.get_bind().dialect.name == "postgresql" else SQLITE_GUARDS:
        op.execute(guard)


def downgrade() -> None:
    """Back to an empty database."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER ledger_no_update ON ledger")
        op.execute("DROP TRIGGER ledger_no_delete ON ledger")
        op.execute("DROP FUNCTION ledger_is_append_only()")
    with op.batch_alter_table("work_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_order_state"))

    op.drop_table("work_order")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_step_ended_at"))
        batch_op.drop_index(batch_op.f("ix_visit_station_ended_at"))

    op.drop_table("visit")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_station_state"))
        batch_op.drop_index(batch_op.f("ix_unit_order_state"))
        batch_op.drop_index(batch_op.f("ix_unit_n"))

    op.drop_table("unit")
    op.drop_table("token")
    op.drop_table("tally")
    op.drop_table("stream")
    op.drop_table("station")
    op.drop_table("quarantine")
    op.drop_table("presence")
    op.drop_table("plan_revision")
    with op.batch_alter_table("nonconformity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_nonconformity_unit"))
        batch_op.drop_index(batch_op.f("ix_nonconformity_state"))

    op.drop_table("nonconformity")
    op.drop_table("meta")
    op.drop_table("lot")
    op.drop_table("ledger")
    with op.batch_alter_table("installation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_installation_part_serial",
            sqlite_where=sa.text("serial is not null and removed_at is null and not disputed"),
            postgresql_where=sa.text("serial is not null and removed_at is null and not disputed"),
        )
        batch_op.drop_index(batch_op.f("ix_installation_unit"))
        batch_op.drop_index(batch_op.f("ix_installation_part_lot"))

    op.drop_table("installation")
    op.drop_table("fault")
    op.drop_table("enrol_code")
    op.drop_table("counter")
    op.drop_table("chain")
