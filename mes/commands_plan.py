"""`mes plan check`: is the plan in this folder all right? Reads files only; publishing it is another command."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from mes.i18n import _, ngettext
from mes.paths import default_config_dir
from mes.plan import Plan, PlanError, content, content_hash, read_plan


@click.group()
def plan() -> None:
    """The plan: products, routes, stations, defects (config/)."""


@plan.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of sentences.")
def check(folder: Path | None, as_json: bool) -> None:
    """Check the plan in FOLDER: every error of every file, and what is allowed instead."""
    where = folder or default_config_dir()
    found = read_plan(where)
    if as_json:
        click.echo(json.dumps({"folder": str(where), **_as_data(found)}, ensure_ascii=False, indent=2))
    elif isinstance(found, list):
        for error in found:
            click.echo(str(error), err=True)
        click.echo(
            ngettext("%(num)s error in %(folder)s.", "%(num)s errors in %(folder)s.", len(found), folder=where),
            err=True,
        )
    else:
        click.echo(_("%(folder)s is all right: %(what)s.", folder=where, what=_counted(found)))
    if isinstance(found, list):
        raise SystemExit(1)


def _counted(plan: Plan) -> str:
    """How much a plan holds, in words."""
    steps = sum(len(product.steps) for product in plan.products)
    return ", ".join(
        (
            ngettext("%(num)s product", "%(num)s products", len(plan.products)),
            ngettext("%(num)s step", "%(num)s steps", steps),
            ngettext("%(num)s station", "%(num)s stations", len(plan.stations)),
            ngettext("%(num)s defect", "%(num)s defects", len(plan.defects)),
        )
    )


def _as_data(found: Plan | list[PlanError]) -> dict[str, object]:
    """The same for a program."""
    if isinstance(found, list):
        return {"ok": False, "errors": [asdict(error) for error in found]}
    return {
        "ok": True,
        "hash": content_hash(content(found)),
        "products": len(found.products),
        "steps": sum(len(product.steps) for product in found.products),
        "stations": len(found.stations),
        "defects": len(found.defects),
        "errors": [],
    }
