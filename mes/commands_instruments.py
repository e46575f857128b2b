"""The register of instruments at the server's own command line: `mes instrument …`."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, cast

import click
from sqlalchemy.orm import Session

from mes import certificates, instruments, measured
from mes.certificates import Received
from mes.db.session import reading, writing
from mes.i18n import _, ngettext, system_language
from mes.instruments import STATE_WORDS, STATES, Result
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database

COLUMNS: Final = ("instrument", "family", "model", "serial", "supplier", "months", "done", "due", "certificate")
NEEDED: Final = frozenset(COLUMNS[:4])
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def instrument() -> None:
    """Measuring instruments: what there is, until when each is calibrated, what each has measured."""


def _told(answer: Answer, done: str, as_json: bool) -> None:
    """Print what was done; a refusal goes to stderr as one sentence, and the command fails."""
    if not answer.done:
        raise click.ClickException(answer.say(system_language()))
    click.echo(json.dumps(dict(answer.args), ensure_ascii=False) if as_json else done)


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


@instrument.command("list")
@click.option("--state", type=click.Choice([*STATES, "due"]), help="Only those; `due`: overdue or due soon.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def instrument_list(state: str | None, as_json: bool, database: str) -> None:
    """List the register; what has to be seen to first is at the top."""
    engine = open_database(database)
    with reading(engine) as session:
        today = instruments.today_of(session, now())
        found = instruments.listed(session, today, state=state or "", size=None)
        if as_json:
            names = ("id", "family", "model", "serial", "supplier", "months", "done", "due")
            rows = [{**{n: getattr(x.row, n) for n in names}, "state": x.state} for x in found.rows]
            click.echo(json.dumps(rows, ensure_ascii=False))
            return
        for x in found.rows:
            r = x.row
            click.echo(f"{r.id:12} {r.due or '–':10}  {_(STATE_WORDS[x.state]):20} {r.family}, {r.model} {r.serial}")
        if not found.rows:
            click.echo(_("Nothing is listed. Run: mes instrument add NUMBER"))


@instrument.command("add")
@click.argument("number")
@click.option("--family", required=True, help="What it is, such as: safety tester.")
@click.option("--model", required=True)
@click.option("--serial", required=True)
@click.option("--supplier", default="", help="Who calibrates it.")
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True, help="Between calibrations.")
@click.option("--change", is_flag=True, help="It is in the register already: say anew what it is.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def instrument_add(
    number: str,
    family: str,
    model: str,
    serial: str,
    supplier: str,
    months: int,
    change: bool,
    as_json: bool,
    database: str,
) -> None:
    """Take instrument NUMBER into the register: the number that stands on it and in the station's file."""
    engine = open_database(database)
    verb = instruments.change if change else instruments.add
    with writing(engine) as session:
        answer = verb(
            session,
            number,
            now=now(),
            family=family,
            model=model,
            serial=serial,
            supplier=supplier,
            months=months,
            actor=CONSOLE,
        )
    _told(answer, _("Instrument %(number)s is in the register.", number=number), as_json)


@instrument.command("calibrate")
@click.argument("number")
@click.argument("result", type=click.Choice(["good", "unfit"]))
@click.option("--done", type=_DAY, help="The day, YYYY-MM-DD; today when not given.")
@click.option("--due", type=_DAY, help="The last day; by the instrument's months when not given.")
@click.option("--supplier", default="", help="Who did it; who usually does when not given.")
@click.option("--certificate", default="", help="The certificate's number.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PDF, PNG or JPEG.")
@click.option("--note", default="")
@click.option("--json", "as_json", is_flag=True)
@database_option
def instrument_calibrate(
    number: str,
    result: str,
    done: datetime | None,
    due: datetime | None,
    supplier: str,
    certificate: str,
    file: Path | None,
    note: str,
    as_json: bool,
    database: str,
) -> None:
    """Record that NUMBER was calibrated and found good or unfit."""
    engine = open_database(database)
    received = _received(file) if file else None
    with writing(engine) as session:
        answer = instruments.calibrate(
            session,
            number,
            cast(Result, result),
            now=now(),
            done=_day(done),
            due=_day(due),
            supplier=supplier,
            certificate=certificate,
            file=received,
            note=note,
            actor=CONSOLE,
        )
    units = int(answer.args.get("units") or 0)
    said = _("%(number)s is good until %(due)s.", number=number, due=answer.args.get("due"))
    if result == "unfit":
        said = ngettext(
            "%(number)s is unfit. Look at %(num)s unit that it has measured: mes instrument units %(number)s",
            "%(number)s is unfit. Look at %(num)s units that it has measured: mes instrument units %(number)s",
            units,
            number=number,
        )
    _told(answer, said, as_json)


def _received(file: Path) -> Received:
    """The file, unless it is larger than what is kept: then as much as shows that."""
    with file.open("rb") as source:
        return Received(file.name, source.read(certificates.MAX_BYTES + 1))


@instrument.command("retire")
@click.argument("number")
@click.option("--why", required=True, help="The reason, in a few words.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def instrument_retire(number: str, why: str, as_json: bool, database: str) -> None:
    """Take NUMBER out of use."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = instruments.retire(session, number, now=now(), why=why, actor=CONSOLE)
    _told(answer, _("%(number)s is out of use.", number=number), as_json)


@instrument.command("return")
@click.argument("number")
@click.option("--why", default="", help="The reason, in a few words.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def instrument_return(number: str, why: str, as_json: bool, database: str) -> None:
    """Put NUMBER into use again."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = instruments.take_back(session, number, now=now(), why=why, actor=CONSOLE)
    _told(answer, _("%(number)s is in use again.", number=number), as_json)


@instrument.command("units")
@click.argument("number")
@click.option("--since", type=_DAY, help="The first day; that of the last good calibration when not given.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def instrument_units(number: str, since: datetime | None, as_json: bool, database: str) -> None:
    """List the units that NUMBER has measured since its last good calibration, the latest first."""
    engine = open_database(database)
    with reading(engine) as session:
        window = measured.Window(since.date().isoformat()) if since else measured.in_doubt(session, number)
        found = measured.units(session, number, window, size=None)
    if as_json:
        names = ("unit", "order", "step", "count", "first_at", "last_at", "outcome", "unfit")
        rows = [{name: getattr(r, name) for name in names} for r in found.rows]
        click.echo(json.dumps({"instrument": number, "since": window.first or None, "units": rows}, ensure_ascii=False))
        return
    for r in found.rows:
        click.echo(f"{r.last_at}  {r.unit:20} {r.order:14} {r.step:14} {r.outcome}")
    when = _("since %(day)s", day=window.first) if window.first else _("since ever")
    click.echo(ngettext("%(num)s line, %(when)s.", "%(num)s lines, %(when)s.", found.total, when=when))


@instrument.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
@database_option
def instrument_import(file: Path, as_json: bool, database: str) -> None:
    """Take the instruments of a CSV FILE into the register, all or none of them.

    First line: instrument, family, model, serial, supplier, months, done, due, certificate; from the fifth on they may
    be left out. Separated by commas or semicolons, UTF-8. An instrument that is there already is left as it is.
    """
    rows = _read_csv(file)
    engine = open_database(database)
    made = []
    with writing(engine) as session:
        for place, row in rows:
            answer = _take_in(session, row)
            if answer is None:
                continue
            if not answer.done:
                session.rollback()
                said = answer.say(system_language())
                raise click.ClickException(_("Line %(line)s: %(why)s", line=place, why=said))
            made.append(row["instrument"])
    if as_json:
        click.echo(json.dumps(made))
    else:
        click.echo(ngettext("%(num)s instrument is new.", "%(num)s instruments are new.", len(made)))


def _read_csv(file: Path) -> list[tuple[int, Mapping[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            head = source.readline()
            source.seek(0)
            reader = csv.DictReader(source, delimiter=";" if ";" in head else ",", strict=True)
            names = set(reader.fieldnames or ())
            if not names >= NEEDED or not names <= set(COLUMNS):
                raise click.ClickException(_("The first line names the columns: %(known)s.", known=", ".join(COLUMNS)))
            return [(reader.line_num, {k: (v or "").strip() for k, v in row.items() if k}) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(_("The file cannot be read: %(why)s.", why=error)) from error


def _take_in(session: Session, row: Mapping[str, str]) -> Answer | None:
    """One line of a file; None for an instrument that is there already."""
    number, at = row["instrument"], now()
    what: dict[str, Any] = {n: row[n] for n in ("family", "model", "serial")}
    months = row.get("months") or "12"
    if not (months.isascii() and months.isdigit() and len(months) < 4):
        return Answer(False, "instrument_form", {})
    answer = instruments.add(
        session,
        number,
        now=at,
        supplier=row.get("supplier", ""),
        months=int(months),
        actor=CONSOLE,
        **what,
    )
    if answer.reason == "instrument_exists":
        return None
    if not answer.done or not row.get("done"):
        return answer
    try:
        done, due = (date.fromisoformat(row[n]) if row.get(n) else None for n in ("done", "due"))
    except ValueError:
        return Answer(False, "calibration_due", {})
    certificate = row.get("certificate", "")
    return instruments.calibrate(
        session, number, "good", now=at, done=done, due=due, certificate=certificate, actor=CONSOLE
    )
