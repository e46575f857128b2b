"""`mes flow`: how units flow through the shop on some days, as a table or as a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import click

from mes import export, passages
from mes.commands_reports import FORMATS, parquet
from mes.commands_table import DAY, deliver, needs_file, published, stretch
from mes.db.session import reading
from mes.export import Cell, Table
from mes.flow_tables import NAMES, Name, tables
from mes.i18n import _, system_language
from mes.passages import BY, MOST_DAYS, By, Question
from mes.setup import database_option, now, open_database


@click.command("flow")
@click.option("--by", type=click.Choice(BY), default="product", show_default=True, help="What makes a row of the ways.")
@click.option("--from", "since", type=DAY, help="First day, such as 2026-11-01; 30 days back when not given.")
@click.option("--to", "until", type=DAY, help="Last day, included; today when not given.")
@click.option("--product", default="", help="Only this product.")
@click.option("--order", default="", help="Only this order.")
@click.option(
    "--table", "name", type=click.Choice(NAMES), default="ways", show_default=True, help="Which table; xlsx, json: all."
)
@click.option("--format", "kind", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; needed for xlsx, parquet."
)
@database_option
def flow(
    by: By,
    since: datetime | None,
    until: datetime | None,
    product: str,
    order: str,
    name: Name,
    kind: str,
    output: Path | None,
    database: str,
) -> None:
    """Where units stand, how many are finished a day, how long they take; docs/flow.md says what each figure means."""
    needs_file(kind, output)
    at = now()
    with reading(open_database(database)) as session:
        plan = published(session)
        first, last = stretch(plan, since, until, at)
        _check(first, last)
        found = tables(passages.read(session, plan, Question(by, first, last, product, order), now=at))
    content = _content(kind, found, name, at)
    deliver(content, output, len(found[name].rows))


def _check(first: date, last: date) -> None:
    if first > last:
        raise click.ClickException(_("--from lies after --to. Change one of the two."))
    if (last - first).days >= MOST_DAYS:
        raise click.ClickException(_("A year is the most. Move --from or --to."))


def _content(kind: str, found: dict[Name, Table], name: Name, at: datetime) -> bytes:
    wanted = found[name]
    if kind == "json":
        whole = {key: [_plain(table, row) for row in table.rows] for key, table in found.items()}
        return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()
    if kind == "xlsx":
        return export.xlsx(list(found.values()), made_at=at)
    if kind == "csv":
        return export.csv_bytes(wanted, system_language())
    if kind == "parquet":
        return parquet(wanted.head, wanted.rows)
    lines = [list(wanted.head), *([_text(c) for c in row] for row in wanted.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(wanted.head))]
    return "".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    ).encode()


def _plain(table: Table, row: Sequence[Cell]) -> dict[str, Cell]:
    return {key: c.isoformat() if isinstance(c, date) else c for key, c in zip(table.head, row, strict=True)}


def _text(value: Cell) -> str:
    return "–" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
