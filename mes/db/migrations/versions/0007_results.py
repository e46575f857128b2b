"""What each step's last test run of a unit came to

The rows that are there get what a replay of the ledger would give: a unit has passed the tests of every step that it has
left behind, for no step can be finished otherwise, and of the step at which it stands it says so itself (`tested`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    with op.batch_alter_table("unit") as table:
        table.add_column(sa.Column("results", sa.Text(), nullable=False, server_default="{}"))
    connection = op.get_bind()
    routes = dict(_routes(connection))
    pinned = {row.id: row.revision for row in connection.execute(sa.text("SELECT id, revision FROM work_order"))}
    units = connection.execute(sa.text('SELECT serial, "order", product, state, step, tested FROM unit')).all()
    known = [
        {"serial": u.serial, "results": json.dumps(_results(route, u), sort_keys=True, separators=(",", ":"))}
        for u in units
        if (route := routes.get((pinned.get(u.order, 0), u.product)))
    ]
    if known:
        connection.execute(sa.text("UPDATE unit SET results = :results WHERE serial = :serial"), known)
    with op.batch_alter_table("unit") as table:
        table.alter_column("results", server_default=None)


def _routes(connection: sa.Connection) -> Iterator[tuple[tuple[int, str], list[dict[str, Any]]]]:
    for row in connection.execute(sa.text("SELECT revision, content FROM plan_revision")):
        for product in json.loads(row.content)["products"]:
            yield (row.revision, product["id"]), product["steps"]


def _results(route: list[dict[str, Any]], unit: Any) -> dict[str, str]:
    results: dict[str, str] = {}
    for step in route:
        if step["id"] == unit.step and unit.state != "done":
            return {**results, unit.step: unit.tested} if unit.tested else results
        if step["tests"]:
            results[step["id"]] = "passed"
    return results


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("unit") as table:
        table.drop_column("results")
