"""Labels and papers at the server's own command line: `mes labels units|traveller|hold|control`, each to a PDF file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from sqlalchemy.orm import Session

from mes import labels, printing, typeset
from mes.control_sheet import control
from mes.db.session import reading, writing
from mes.domain.label import Label, Symbology
from mes.domain.label_paper import DEFAULT_ROLL, DEFAULT_SHEET, SHEETS
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.revisions import latest_plan
from mes.setup import CONSOLE, database_option, now, open_database, write_file
from mes.traveller import traveller as traveller_of

HOLD_ROLL: Final = "70x37"
_FILE = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The PDF file to write."
)
_OR_FILE = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The PDF file to write."
)
_PRINTER = click.option("--printer", metavar="NAME", help="A label printer of the plan, in place of a file.")


@click.group("labels")
def labels_group() -> None:
    """Print labels, travellers and control codes to PDF."""


@labels_group.command("units")
@click.argument("order")
@click.option("--sheet", type=click.Choice(list(SHEETS)), help=f"Sheet of A4, columns x rows; else {DEFAULT_SHEET}.")
@click.option("--roll", metavar="SIZE", help=f"Roll instead: width x height of a label in mm, such as {DEFAULT_ROLL}.")
@click.option("--qr", is_flag=True, help="A QR code in place of bars.")
@click.option("--unit", "serials", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@click.option("--from", "first", type=click.IntRange(1), default=1, help="From this unit on, counted from 1.")
@click.option("--to", "last", type=click.IntRange(1), help="Up to this one.")
@click.option("--skip", type=click.IntRange(0, 100), default=0, help="Places of the first sheet that are used up.")
@_OR_FILE
@_PRINTER
@database_option
def units(
    order: str,
    sheet: str | None,
    roll: str | None,
    qr: bool,
    serials: tuple[str, ...],
    first: int,
    last: int | None,
    skip: int,
    output: Path | None,
    printer: str | None,
    database: str,
) -> None:
    """Labels for the units of ORDER. A second printing is marked as a copy."""
    if sheet and roll:
        raise click.UsageError(_("Give --sheet or --roll, not both."))
    _one_of(output, printer)
    engine = open_database(database)
    symbology: Symbology = "qr" if qr else "code128"
    if printer:
        with writing(engine) as session:
            found = labels.unit_labels(
                session,
                order,
                symbology=symbology,
                serials=serials or None,
                first=first,
                last=last,
                language=system_language(),
            )
            _queue(session, found, printer)
        return
    with writing(engine) as session:
        made = labels.units(
            session,
            order,
            now=now(),
            on=roll or sheet or DEFAULT_SHEET,
            symbology=symbology,
            serials=serials or None,
            first=first,
            last=last,
            skip=skip,
            language=system_language(),
            actor=CONSOLE,
        )
    _write(made, output)


@labels_group.command("traveller")
@click.argument("order")
@_FILE
@database_option
def traveller(order: str, output: Path, database: str) -> None:
    """The paper that goes with ORDER."""
    engine = open_database(database)
    with writing(engine) as session:
        made = traveller_of(session, order, now=now(), language=system_language(), actor=CONSOLE)
    _write(made, output)


@labels_group.command("hold")
@click.argument("unit")
@click.option("--sheet", type=click.Choice(list(SHEETS)), help="Sheet of A4, columns x rows.")
@click.option("--roll", metavar="SIZE", help=f"Roll: width x height of a label in mm; else {HOLD_ROLL}.")
@_OR_FILE
@_PRINTER
@database_option
def hold(
    unit: str, sheet: str | None, roll: str | None, output: Path | None, printer: str | None, database: str
) -> None:
    """What says where UNIT stands with its nonconformity: red, blue or green."""
    if sheet and roll:
        raise click.UsageError(_("Give --sheet or --roll, not both."))
    _one_of(output, printer)
    engine = open_database(database)
    if printer:
        with writing(engine) as session:
            one = labels.hold_label(session, unit, language=system_language())
            _queue(session, one if isinstance(one, Answer) else [one], printer)
        return
    with writing(engine) as session:
        made = labels.hold(
            session, unit, now=now(), on=roll or sheet or HOLD_ROLL, language=system_language(), actor=CONSOLE
        )
    _write(made, output)


@labels_group.command("control")
@_FILE
@database_option
def control_codes(output: Path, database: str) -> None:
    """The codes that lie at every bench: commands, quantities, defects."""
    engine = open_database(database)
    with reading(engine) as session:
        plan = latest_plan(session)
    if plan is None:
        raise click.ClickException(Answer(False, "no_plan", {}).say(system_language()))
    _write(control(plan, now=now(), language=system_language()), output)


def _one_of(output: Path | None, printer: str | None) -> None:
    if (output is None) == (printer is None):
        raise click.UsageError(_("Give -o or --printer."))


def _queue(session: Session, made: list[Label] | Answer, printer: str) -> None:
    """Into the queue of a label printer; the server prints."""
    said = system_language()
    answer = (
        made
        if isinstance(made, Answer)
        else printing.queue(session, made, printer, now=now(), language=said, actor=CONSOLE)
    )
    if not answer.done:
        raise click.ClickException(answer.say(said))
    click.echo(_("%(count)s labels wait for printer %(printer)s.", **answer.args))


def _write(made: labels.Sheet | Answer, output: Path | None) -> None:
    assert output is not None
    if isinstance(made, Answer):
        raise click.ClickException(made.say(system_language()))
    write_file(output, typeset.pdf(made.template, made.data, now=now()))
    click.echo(_("Written: %(file)s", file=output))
