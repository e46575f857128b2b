"""`mes test import`: testers' records from files into the ledger, one clear line a file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mes import records, revisions
from mes.db.session import reading, writing
from mes.domain.openhtf import MAX_BYTES, BadRecord, Record, Why, read_record
from mes.domain.reasons import sentence
from mes.domain.records import CONTRADICTIONS, REMARKS, Mapped, Remark, Run
from mes.i18n import N_, _, system_language
from mes.setup import database_option, now, open_database

NOT_ONE: Final[Mapping[Why, str]] = {
    "too_long": N_("It is too long. Write it without attachments: OutputToJSON(…, inline_attachments=False)."),
    "not_json": N_("It is no JSON, or was cut off. Write the record again."),
    "too_deep": N_("It is nested too deep for a test record."),
    "not_a_record": N_("It is no test record of OpenHTF. Give the file that OutputToJSON has written."),
    "no_unit": N_("It names no unit. Give the test its serial: test.execute(test_start=lambda: SERIAL)."),
    "no_time": N_("It does not say when the test was. Write the record again."),
    "no_outcome": N_("It does not say how the test ended. Write it after the test has ended."),
    "too_many": N_("It has more measurements than can be read. Write fewer in one test."),
}
STATUSES: Final[Mapping[str, str]] = {
    "duplicate": N_("already in the ledger; nothing has changed"),
    "conflict": N_("already in the ledger, read in another way then; what was recorded stays"),
    "quarantined": N_("kept, but not understood (%(why)s). See: mes requeue"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "passed": N_("passed"),
    "failed": N_("failed"),
    "error": N_("error of the bench"),
    "timeout": N_("no answer of the bench"),
    "aborted": N_("broken off"),
}


@click.group("test")
def test_group() -> None:
    """Testers' records: bring them into the ledger."""


@test_group.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--station", required=True, help="Where the units were tested: a station of the plan.")
@click.option("--step", help="The step of the route, where the record's measurements do not tell it.")
@click.option("--map", "mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A mapping file.")
@click.option("--operator", metavar="BADGE", help="Who tested, where the step asks for a qualification.")
@click.option("--dry-run", is_flag=True, help="Only say what would be recorded.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@database_option
def import_records(
    files: tuple[Path, ...],
    station: str,
    step: str | None,
    mapping: Path | None,
    operator: str | None,
    dry_run: bool,
    as_json: bool,
    database: str,
) -> None:
    """Record what OpenHTF has tested: each FILE is a test record in JSON. The plan's limits judge, not the record's."""
    mapped = _mapped(mapping)
    engine = open_database(database)
    bad = 0
    try:
        with reading(engine) as session:
            _known(session, station, step)
        for path in files:
            said = _one(engine, path, station=station, step=step, mapped=mapped, operator=operator, dry_run=dry_run)
            bad += not said["ok"]
            _tell(said, as_json=as_json)
    finally:
        engine.dispose()
    if bad:
        raise click.ClickException(_("%(bad)s of %(all)s files were not recorded.", bad=bad, all=len(files)))


def _tell(said: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({k: v for k, v in said.items() if k != "line"}, ensure_ascii=False))
        return
    click.echo(f"{said['file']}: {said['line']}", err=not said["ok"])
    for remark in said["remarks"]:
        click.echo(f"  {'!' if remark['contradiction'] else '·'} {remark['text']}")


def _one(
    engine: Engine,
    path: Path,
    *,
    station: str,
    step: str | None,
    mapped: Mapped,
    operator: str | None,
    dry_run: bool,
) -> dict[str, Any]:
    """What became of one file; each has a transaction of its own."""
    said: dict[str, Any] = {"file": str(path), "ok": False, "remarks": []}
    record = _read(path)
    if isinstance(record, str):
        return {**said, "line": record, "error": record}
    said |= {"unit": record.unit, "record": record.sha256, "outcome": record.outcome}
    if dry_run:
        with reading(engine) as session:
            run = records.run_for(session, record, station=station, mapped=mapped, step=step)
        line = _("%(unit)s at %(step)s: would be recorded as %(outcome)s.", **_place(run))
        return {**said, **_event(run), "ok": True, "line": line}
    with writing(engine) as session:
        done = records.bring_in(
            session, record, station=station, mapped=mapped, step=step, operator=operator, now=now()
        )
    said |= {**_event(done.run), "status": done.status, "verdict": done.verdict, "reason": done.reason}
    place = _place(done.run)
    if done.status in STATUSES:
        text = _(STATUSES[done.status], **({"why": done.args.get("why")} if done.status == "quarantined" else {}))
        return {**said, "ok": done.status != "quarantined", "line": _("%(unit)s: %(text)s.", text=text, **place)}
    text = " ".join(t for t in sentence(done.reason, done.args, system_language()) if t)
    return {**said, "ok": True, "line": _("%(unit)s at %(step)s: %(outcome)s. %(text)s", text=text, **place)}


def _read(path: Path) -> Record | str:
    """The record, or a sentence that says what to do next."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return _("It cannot be read: %(why)s.", why=error.strerror)
    found = read_record(data)
    if isinstance(found, BadRecord):
        return _(NOT_ONE[found.why]) + (f" ({found.detail})" if found.detail else "")
    return found


def _place(run: Run) -> dict[str, str]:
    return {"unit": run.body.unit, "step": run.body.step, "outcome": _(OUTCOMES[run.body.outcome])}


def _event(run: Run) -> dict[str, Any]:
    return {"event": run.event_id, "step": run.body.step, "judged": run.body.outcome, "remarks": list(_said(run))}


def _said(run: Run) -> Iterator[dict[str, Any]]:
    for remark in run.remarks:
        yield {
            "code": remark.code,
            "contradiction": remark.code in CONTRADICTIONS,
            "text": text_of(remark),
            **remark.args,
        }


def text_of(remark: Remark) -> str:
    """A remark in the reader's language."""
    args = {k: _(OUTCOMES[v]) if k == "mine" else v for k, v in remark.args.items()}
    return _(REMARKS[remark.code], **args)


def _mapped(path: Path | None) -> Mapped:
    if path is None:
        return Mapped()
    try:
        return Mapped.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
        why = f"{'.'.join(str(x) for x in first['loc'])}: {first['msg']}" if first else str(error)
        raise click.ClickException(_("The mapping %(file)s cannot be used: %(why)s", file=path, why=why)) from error


def _known(session: Session, station: str, step: str | None) -> None:
    """A station or a step that the plan does not have is a slip of the keyboard, and no fact."""
    plan = revisions.latest_plan(session)
    if plan is None:
        raise click.ClickException(_("No plan is published yet. Run: mes plan publish"))
    if plan.station(station) is None:
        known = ", ".join(s.id for s in plan.stations)
        raise click.ClickException(_("No station is called %(name)s. Known: %(known)s", name=station, known=known))
    if step is not None and all(p.step(step) is None for p in plan.products):
        raise click.ClickException(_("No step is called %(name)s.", name=step))
