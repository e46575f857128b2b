"""What commands have in common that count some days and answer with a table: the days, the plan, the file.

It must not know what is counted.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from mes import revisions
from mes.db.base import Base
from mes.domain.route import Plan
from mes.i18n import _
from mes.setup import write_file

DAY: Final = click.DateTime(formats=["%Y-%m-%d"])
DAYS: Final = 30  # how far back when --from is not given


def needs_file(kind: str, output: Path | None) -> None:
    """Say at once that a format is no text for a terminal."""
    if kind in ("xlsx", "parquet") and output is None:
        raise click.UsageError(_("This format is a file. Give --output FILE."))


def published(session: Session) -> Plan:
    """The plan in force."""
    plan = revisions.latest_plan(session)
    if plan is None:
        raise click.ClickException(_("No plan is published. Run: mes plan publish config"))
    return plan


def stretch(plan: Plan, since: datetime | None, until: datetime | None, now: datetime) -> tuple[date, date]:
    """The first and the last day that are asked for; without them the last thirty at the site."""
    last = until.date() if until else now.astimezone(ZoneInfo(plan.plant.timezone)).date()
    return since.date() if since else last - timedelta(days=DAYS), last


def columns_of(row: Base) -> dict[str, Any]:
    """The columns of a row of the database, but its ledger position."""
    return {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name != "n"}


def deliver(content: bytes, output: Path | None, count: int) -> None:
    """Print a table, or write it to the file that was named.

    Args:
        count: its rows.
    """
    if output is None:
        click.echo(content.decode("utf-8-sig"), nl=False)
        return
    write_file(output, content)
    click.echo(_("%(count)s rows are in %(path)s.", count=count, path=output))
