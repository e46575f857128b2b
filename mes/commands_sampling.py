"""`mes sampling plan|list`: a plan from the tables of ISO 2859-1, and the lots that were inspected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from mes import export
from mes import sampling as reads
from mes.commands_table import deliver, needs_file
from mes.db.session import reading
from mes.domain.sampling import AQLS, LEVELS, plan_for
from mes.i18n import _, system_language
from mes.sampling import HEAD, Wanted
from mes.setup import database_option, now, open_database

FORMATS: Final = ("table", "csv", "xlsx", "json")


class _Aql(click.ParamType[str]):
    """A preferred value, however it is typed: 1, 1.0 or 1,0."""

    name = "aql"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            asked = float(str(value).replace(",", "."))
        except ValueError:
            asked = -1.0
        found = next((a for a in AQLS if float(a) == asked), None)
        if found is None:
            said = _("The tables of ISO 2859-1 have no AQL %(value)s. Take one of: %(known)s.", value=value,
                     known=", ".join(AQLS))  # fmt: skip
            self.fail(said, param, ctx)
        return found


@click.group()
def sampling() -> None:
    """Acceptance sampling of lots by ISO 2859-1."""


@sampling.command("plan")
@click.option("--lot", type=click.IntRange(1, 10**9), required=True, help="How many pieces the lot has.")
@click.option("--aql", type=_Aql(), required=True, help="Acceptance quality limit, in per cent nonconforming.")
@click.option("--level", type=click.Choice(LEVELS), default="II", show_default=True, help="Inspection level.")
@click.option(
    "--state", type=click.Choice(["normal", "tightened", "reduced"]), default="normal", show_default=True,
    help="Severity of the inspection.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def sampling_plan(lot: int, aql: str, level: Any, state: Any, as_json: bool) -> None:
    """How many pieces of a lot to look at, and with how many nonconforming it is accepted."""
    plan = plan_for(lot, aql, level=level, severity=state)
    if as_json:
        said = {
            "lot": lot, "level": level, "aql": aql, "state": state, "letter": plan.letter, "sample": plan.size,
            "accept": plan.accept, "reject": plan.reject, "everything": plan.everything,
        }  # fmt: skip
        click.echo(json.dumps(said))
        return
    click.echo(_("Code letter: %(letter)s", letter=plan.letter))
    everything = _(" (the whole lot)") if plan.everything else ""
    click.echo(_("Sample: %(size)s of %(lot)s", size=plan.size, lot=lot) + everything)
    click.echo(_("Accepted with up to %(accept)s nonconforming, not accepted from %(reject)s on.",
                 accept=plan.accept, reject=plan.reject))  # fmt: skip


@sampling.command("list")
@click.option("--order", default="", help="Only this order.")
@click.option("--product", default="", help="Only this product.")
@click.option("--step", default="", help="Only this step.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; needed for xlsx.")
@database_option
def sampling_list(
    order: str, product: str, step: str, kind: str, as_json: bool, output: Path | None, database: str
) -> None:
    """The lots that were inspected, the newest first."""
    kind = "json" if as_json else kind
    needs_file(kind, output)
    with reading(open_database(database)) as session:
        found = list(reads.every(session, Wanted(order, product, step)))
        rows = [reads.as_row(r, _) for r in found]
        data = [reads.as_data(r) for r in found]
    if kind == "json":
        content = (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()
    elif kind == "csv":
        content = export.csv_bytes(export.Table("", [_(h) for h in HEAD], rows), system_language())
    elif kind == "xlsx":
        content = export.xlsx([export.Table(_("Inspections"), [_(h) for h in HEAD], rows)], made_at=now())
    else:
        lines = [
            f"{d['id']}  {d['at'][:16]}  {d['order']:14} {d['step']:12} {d['found']}/{d['sample']}/{d['quantity']}"
            f"  Ac {d['accept']}  {_(reads.SEVERITIES[d['severity']])}  {_(reads.STATES[d['state']])}  {d['nc'] or ''}"
            for d in data
        ]
        content = ("\n".join(line.rstrip() for line in lines or [_("No lot was inspected.")]) + "\n").encode()
    deliver(content, output, len(rows))
