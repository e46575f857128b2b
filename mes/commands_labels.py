"""Labels and papers at the server's own command line: `mes labels units|traveller|hold|control`, each to a PDF file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mes import label_defaults, labels, printing, typeset
from mes.control_sheet import control
from mes.db.session import reading, writing
from mes.db.tables import UnitRow
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
OR_FILE = click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The PDF file to write.")
PRINTER = click.option(
    "--printer", metavar="NAME", help="A label printer of the plan, in place of a file; without both, the plan's own."
)


@click.group("labels")
def labels_group() -> None:
    """Print labels, travellers and control codes to PDF."""


@labels_group.command("units")
@click.argument("order")
@click.option(
    "--sheet",
    type=click.Choice(list(SHEETS)),
    help=f"Sheet of A4, columns x rows; else the plan's, or {DEFAULT_SHEET}.",
)
@click.option("--roll", metavar="SIZE", help=f"Roll instead: width x height of a label in mm, such as {DEFAULT_ROLL}.")
@click.option("--qr", is_flag=True, help="A QR code in place of bars.")
@click.option("--unit", "serials", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@click.option("--from", "first", type=click.IntRange(1), default=1, help="From this unit on, counted from 1.")
@click.option("--to", "last", type=click.IntRange(1), help="Up to this one.")
@click.option("--skip", type=click.IntRange(0, 100), default=0, help="Places of the first sheet that are used up.")
@OR_FILE
@PRINTER
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
    engine = open_database(database)
    printer = one_of(engine, output, printer, order=order)
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
            queue(session, found, printer)
        return
    with writing(engine) as session:
        made = labels.units(
            session,
            order,
            now=now(),
            on=roll or sheet or label_defaults.sheet(session),
            symbology=symbology,
            serials=serials or None,
            first=first,
            last=last,
            skip=skip,
            language=system_language(),
            actor=CONSOLE,
        )
    write(made, output)


@labels_group.command("traveller")
@click.argument("order")
@_FILE
@database_option
def traveller(order: str, output: Path, database: str) -> None:
    """The paper that goes with ORDER."""
    engine = open_database(database)
    with writing(engine) as session:
        made = traveller_of(session, order, now=now(), language=system_language(), actor=CONSOLE)
    write(made, output)


@labels_group.command("hold")
@click.argument("unit")
@click.option("--sheet", type=click.Choice(list(SHEETS)), help="Sheet of A4, columns x rows.")
@click.option("--roll", metavar="SIZE", help=f"Roll: width x height of a label in mm; else {HOLD_ROLL}.")
@OR_FILE
@PRINTER
@database_option
def hold(
    unit: str, sheet: str | None, roll: str | None, output: Path | None, printer: str | None, database: str
) -> None:
    """What says where UNIT stands with its nonconformity: red, blue or green."""
    if sheet and roll:
        raise click.UsageError(_("Give --sheet or --roll, not both."))
    engine = open_database(database)
    printer = one_of(engine, output, printer, unit=unit, least=HOLD_ROLL)
    if printer:
        with writing(engine) as session:
            one = labels.hold_label(session, unit, language=system_language())
            queue(session, one if isinstance(one, Answer) else [one], printer)
        return
    with writing(engine) as session:
        made = labels.hold(
            session, unit, now=now(), on=roll or sheet or HOLD_ROLL, language=system_language(), actor=CONSOLE
        )
    write(made, output)


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
    write(control(plan, now=now(), language=system_language()), output)


def one_of(
    engine: Engine, output: Path | None, printer: str | None, *, order: str = "", unit: str = "", least: str = ""
) -> str | None:
    """The printer to use; None: the file. Where neither is said, the printer that the plan means.

    Raises:
        click.UsageError: both are said, or neither, and the plan means no printer.
    """
    if output is not None and printer is None:
        return None
    if output is None and printer is None:
        with reading(engine) as session:
            row = session.get(UnitRow, unit) if unit else None
            found = label_defaults.printer(session, row.order if row is not None else order, least=least)
        printer = found.id if found is not None else None
    if output is not None or printer is None:
        raise click.UsageError(_("Give -o or --printer."))
    return printer


def queue(session: Session, made: list[Label] | Answer, printer: str) -> None:
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


def write(made: labels.Sheet | Answer, output: Path | None) -> None:
    assert output is not None
    if isinstance(made, Answer):
        raise click.ClickException(made.say(system_language()))
    write_file(output, typeset.pdf(made.template, made.data, now=now()))
    click.echo(_("Written: %(file)s", file=output))
