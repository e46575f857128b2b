"""Traceability at the command line: `mes trace unit|component|dossier|check`.

What the pages give as a file stands here under the same names. Nobody stands in what it prints.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy.orm import Session

from mes import dossier, given_out, recall, revisions, trace, trace_sheet
from mes.db.session import reading, writing
from mes.domain.reasons import sentence
from mes.genealogy import Wanted, where_used
from mes.i18n import _, system_language
from mes.setup import CONSOLE, database_option, now, open_database, write_file

_json = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("trace")
def trace_group() -> None:
    """Traceability: what a unit went through, and where a component went."""


def _kind_of(output: Path, kinds: tuple[str, ...]) -> str:
    """The kind of file that a name asks for.

    Raises:
        click.ClickException: it asks for none of these.
    """
    kind = output.suffix.lower().removeprefix(".")
    if kind not in kinds:
        endings = ", ".join(f".{k}" for k in kinds)
        raise click.ClickException(
            _("What kind of file is %(file)s? Let its name end in one of: %(endings)s.", file=output, endings=endings)
        )
    return kind


def _history(session: Session, serial: str) -> trace.Dossier:
    found = trace.dossier(session, serial)
    if found is None:
        said = " ".join(sentence("unknown_unit", {"unit": serial}, system_language()))
        raise click.ClickException(said)
    return found


@trace_group.command("unit")
@click.argument("serial")
@click.option("-o", "--output", type=_FILE, help="Write all of it to this file: .csv, .xlsx or .json.")
@_json
@database_option
def trace_unit(serial: str, output: Path | None, as_json: bool, database: str) -> None:
    """What the unit SERIAL is made of, and what it went through."""
    kind = _kind_of(output, trace_sheet.KINDS) if output else ""
    with reading(open_database(database)) as session:
        found = _history(session, serial)
    sheet = trace_sheet.Sheet(found, system_language())
    if output:
        write_file(output, trace_sheet.file(kind, sheet, made_at=now()))
        if not as_json:
            click.echo(_("Written: %(file)s", file=output))
            return
    if as_json:
        click.echo(trace_sheet.as_json(found))
        return
    for name, value in sheet.facts():
        click.echo(f"{name}: {value}")
    for section in sheet.sections():
        click.echo(f"\n{section.title}\n  {' | '.join(section.head)}")
        for row in section.rows:
            click.echo(f"  {' | '.join(row)}")


@trace_group.command("component")
@click.argument("code")
@click.option("--part", default="", help="Only of this part; else the number of any part.")
@click.option("-o", "--output", type=_FILE, help="Write the recall list to this file: .csv, .xlsx, .pdf or .json.")
@_json
@database_option
def trace_component(code: str, part: str, output: Path | None, as_json: bool, database: str) -> None:
    """The recall list: every unit and counted order that contains the component serial or lot CODE.

    Without a file it goes to the terminal as CSV, or as JSON.
    """
    kind = _kind_of(output, recall.KINDS) if output else "json" if as_json else "csv"
    language, wanted = system_language(), Wanted(code, part)
    with reading(open_database(database)) as session:
        uses, plan = where_used(session, wanted), revisions.latest_plan(session)
    if not uses:
        raise click.ClickException(
            _("No unit contains “%(number)s”. Check the number. The lots stand under: mes lot list", number=code)
        )
    content = recall.file(kind, uses, wanted, plan, language, now=now())
    if output is None:
        click.echo(content, nl=kind == "json")
        return
    write_file(output, content)
    found = recall.counts(uses)
    if as_json:
        said = {"file": str(output), "units": found.units, "orders": found.orders, "pieces": found.pieces}
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    click.echo(_("Written: %(file)s", file=output))
    click.echo(recall.said_of(found, language))


@trace_group.command("dossier")
@click.argument("serial")
@click.option("-o", "--output", type=_FILE, required=True, help="The PDF file to write.")
@click.option("--language", type=click.Choice(["fr", "en"]), help="Language of the paper; else that of this terminal.")
@_json
@database_option
def trace_dossier(serial: str, output: Path, language: str | None, as_json: bool, database: str) -> None:
    """The dossier of the unit SERIAL as a PDF; its SHA-256 is in the ledger before it is written."""
    _kind_of(output, ("pdf",))
    engine = open_database(database)
    with reading(engine) as session:
        paper = dossier.made(_history(session, serial), language or system_language())
    with writing(engine) as session:
        answer = dossier.issue(session, paper, now=now(), actor=CONSOLE)
    if not answer.done:
        raise click.ClickException(answer.say(system_language()))
    write_file(output, paper.content)
    if as_json:
        said = {"file": str(output), "unit": serial, "facts_at": paper.facts_at, "sha256": paper.sha256}
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    click.echo(_("Written: %(file)s", file=output))
    click.echo(f"SHA-256 {paper.sha256}")


@trace_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_json
@database_option
def trace_check(file: Path, as_json: bool, database: str) -> None:
    """Was FILE, a dossier or a paper, given out like this? Ends with 1 when it was not, or was changed."""
    engine = open_database(database)
    with reading(engine) as session:
        known = given_out.known(session, file.read_bytes())
    if known is None:
        raise click.ClickException(_("No file like this one was ever given out, or it was changed."))
    if as_json:
        click.echo(json.dumps(asdict(known)))
        return
    click.echo(
        _(
            "%(paper)s of %(subject)s, given out %(when)s: the file is unchanged.",
            paper=known.kind,
            subject=known.subject,
            when=known.issued_at,
        )
    )
