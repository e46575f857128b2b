"""`mes yield`: yields by product, order, line, step, shift, day or week, as a table or as a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click

from mes import export
from mes.commands_table import DAY, deliver, needs_file, published, stretch
from mes.db.session import reading
from mes.domain.route import Plan
from mes.i18n import N_, _, system_language
from mes.setup import database_option, now, open_database
from mes.yielded import BY, COLUMNS, FIGURES, CannotAsk, Question, Yield, asked, cells, heads, said, total
from mes.yielded.figures import keys

FORMATS: Final = ("table", "csv", "xlsx", "parquet", "json")
CANNOT: Final = {
    "order_has_no_time": N_("The sums of an order have no days, shifts and lines. Take --by step, product or order."),
    "wrong_way_round": N_("--from lies after --to. Change one of the two."),
    "too_long": N_("Three years are the most by shift, day or week. Move --from or --to."),
}


@click.command("yield")
@click.option("--by", type=click.Choice(BY), default="product", show_default=True, help="What makes a row.")
@click.option("--from", "since", type=DAY, help="First day, such as 2026-11-01; 30 days back when not given.")
@click.option("--to", "until", type=DAY, help="Last day, included; today when not given.")
@click.option("--product", default="", help="Only this product.")
@click.option("--order", default="", help="Only this order, over its whole life.")
@click.option("--line", default="", help="Only this line.")
@click.option("--step", default="", help="Only this step.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; needed for xlsx, parquet."
)
@database_option
def yield_(
    since: datetime | None, until: datetime | None, kind: str, output: Path | None, database: str, **only: Any
) -> None:
    """Yields from the kept sums; docs/yields.md says what each figure means."""
    needs_file(kind, output)
    at = now()
    with reading(open_database(database)) as session:
        plan = published(session)
        first, last = stretch(plan, since, until, at)
        question = Question(since=first, until=last, **only)
        try:
            rows = asked(session, plan, question)
        except CannotAsk as error:
            raise click.ClickException(_(CANNOT[error.reason])) from error
    content = _content(kind, rows, plan, question, at)
    deliver(content, output, len(rows))


def _content(kind: str, rows: Sequence[Yield], plan: Plan, question: Question, at: datetime) -> bytes:
    all_ = total(plan, question, rows)
    if kind == "table":
        return _table(rows, all_).encode()
    values = [cells(row) for row in rows]
    if kind == "json":
        asked_for = {"by": question.by, "from": _text(question.since), "to": _text(question.until)}
        data = [dict(zip(keys(), v, strict=True)) for v in values]
        sums = dict(zip(keys(), cells(all_), strict=True))
        whole = {**asked_for, "rows": data, "total": sums}
        return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()
    if kind == "csv":
        return "".join(export.csv_lines(heads(), values, french=system_language() == "fr")).encode()
    if kind == "xlsx":
        return export.xlsx([export.Table(_("Yields"), heads(), values)], made_at=at)
    return parquet(keys(), values)


def parquet(names: Sequence[str], rows: Iterable[Sequence[export.Cell]]) -> bytes:
    """A table as a Parquet file.

    Raises:
        click.ClickException: the package for it is not installed.
    """
    from mes import reports  # pandas, only where it is needed

    try:
        return reports.parquet(names, rows)
    except ImportError as error:
        raise click.ClickException(
            _("Parquet needs a package that is not installed. Run: pip install 'atelier-mes[parquet]'")
        ) from error


def _text(day: date) -> str:
    return day.isoformat()


def _table(rows: Sequence[Yield], all_: Yield) -> str:
    if not rows:
        return _("Nothing was counted in this time.") + "\n"
    language = system_language()
    lines = [["", _("ended"), *(_(FIGURES[f].name) for f in COLUMNS)]]
    for row in (*rows, all_):
        lines.append([row.key or _("together"), str(row.ended), *(said(row, f, language) for f in COLUMNS)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "".join(
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        + "\n"
        for line in lines
    )
