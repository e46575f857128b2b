"""`mes failures`: which test, defect, step or order fails most, as a table or as a file."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from mes import export, failure_words, nc_log
from mes.commands_reports import CANNOT
from mes.commands_table import DAY, deliver, needs_file, published, stretch
from mes.db.session import reading
from mes.i18n import _, system_language
from mes.nc_export import Words
from mes.setup import database_option, now, open_database
from mes.yielded import CannotAsk, failures
from mes.yielded.failures import BY, GOES, MOST_IN_FILE, Wanted


@click.command("failures")
@click.option("--go", type=click.Choice(GOES), default="first", show_default=True,
              help="First attempts, later ones, errors of the bench, or scrap.")  # fmt: skip
@click.option("--by", type=click.Choice(BY), default="cause", show_default=True, help="What makes a row.")
@click.option("--from", "since", type=DAY, help="First day, such as 2026-11-01; 30 days back when not given.")
@click.option("--to", "until", type=DAY, help="Last day, included; today when not given.")
@click.option("--product", default="", help="Only this product.")
@click.option("--order", default="", help="Only this order, over its whole life.")
@click.option("--line", default="", help="Only this line.")
@click.option("--station", default="", help="Only this station.")
@click.option("--step", default="", help="Only this step.")
@click.option("--units", is_flag=True, help="The units behind instead of the groups; an XLSX has both.")
@click.option("--format", "kind", type=click.Choice(("csv", "xlsx", "json")), default="csv", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; needed for xlsx.")
@database_option
def failures_(
    since: datetime | None,
    until: datetime | None,
    units: bool,
    kind: str,
    output: Path | None,
    database: str,
    **only: Any,
) -> None:
    """Failures and scrap counted by cause; docs/yields.md says what each kind means."""
    needs_file(kind, output)
    at = now()
    with reading(open_database(database)) as session:
        plan = published(session)
        first, last = stretch(plan, since, until, at)
        wanted = Wanted(since=first, until=last, **only)
        words = Words(plan, system_language(), nc_log.Log.of(plan, at))
        try:
            groups = failure_words.table(words, wanted.by, failures.bars(session, plan, wanted))
            behind = failure_words.units(
                words, failures.rows(session, plan, wanted, MOST_IN_FILE) if units or kind == "xlsx" else []
            )
        except CannotAsk as error:
            raise click.ClickException(_(CANNOT[error.reason])) from error
    shown = behind if units else groups
    if kind == "xlsx":
        content = export.xlsx([groups, behind], made_at=at)
    elif kind == "json":
        keys = ("unit", "order", "product", "step", "station", "cause", "pieces", "at")
        names = keys if units else ("name", wanted.by, "product", "step", "count", "share")
        content = (
            json.dumps([dict(zip(names, row, strict=True)) for row in shown.rows], ensure_ascii=False).encode() + b"\n"
        )
    else:
        content = export.csv_bytes(shown, system_language())
    deliver(content, output, len(shown.rows))
