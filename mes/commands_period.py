"""`mes report`: the figures of some days as one workbook, or as a folder of CSV or Parquet files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from mes import export, period_report
from mes.commands_reports import CANNOT, parquet
from mes.commands_table import DAY, published, stretch
from mes.db.session import reading
from mes.export import Table
from mes.i18n import _
from mes.setup import database_option, now, open_database, write_file
from mes.yielded import CannotAsk

FORMATS: Final = ("xlsx", "csv", "parquet")


@click.command("report")
@click.option("--from", "since", type=DAY, help="First day, such as 2026-11-01; 30 days back when not given.")
@click.option("--to", "until", type=DAY, help="Last day, included; today when not given.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="xlsx", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="The workbook, or the folder of the other formats."
)
@database_option
def report(since: datetime | None, until: datetime | None, kind: str, output: Path, database: str) -> None:
    """Yields, stations, defects, nonconformities and orders of some days, in one go."""
    at = now()
    with reading(open_database(database)) as session:
        plan = published(session)
        first, last = stretch(plan, since, until, at)
        try:
            tables = period_report.tables(session, plan, period_report.Days(first, last, at))
        except CannotAsk as error:
            raise click.ClickException(_(CANNOT[error.reason])) from error
    if kind == "xlsx":
        write_file(output, export.xlsx(tables, made_at=at))
    else:
        _folder(output, kind, tables)
    click.echo(_("%(count)s tables are in %(path)s.", count=len(tables), path=output))


def _folder(folder: Path, kind: str, tables: list[Table]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = _("%(file)s cannot be written: %(why)s", file=folder, why=error.strerror or error)
        raise click.ClickException(said) from error
    for table in tables:
        content = export.csv_bytes(table, "en") if kind == "csv" else parquet(table.head, table.rows)
        write_file(folder / f"{table.name}.{kind}", content)
