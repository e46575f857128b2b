"""Badges and qualifications at the server's own command line: `mes badge`, `mes qualification`.

Names are shown to who sits at the server, and never in `--json`, which programs read.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import badge_cards, badges, people, qualifications, revisions, typeset
from mes.db.session import reading, writing
from mes.db.tables import Badge, Person
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database, tell, write_file


@click.group()
def badge() -> None:
    """Issue, print, end and list badges."""


@badge.command("issue")
@click.argument("persons", nargs=-1, metavar="[PERSON]...")
@click.option("--name", "names", multiple=True, help="Take in a new person of this name first; may be repeated.")
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Of a new person.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def badge_issue(persons: tuple[str, ...], names: tuple[str, ...], language: str, as_json: bool, database: str) -> None:
    """Give each PERSON (by pseudonym), and each new one by --name, a badge."""
    if not persons and not names:
        raise click.UsageError(_("Name a PERSON, or a new one with --name."))
    called = [name for typed in names if (name := people.fit_name(typed)) is not None]
    if len(called) < len(names):
        raise click.ClickException(Answer(False, "name_form", {}).say(system_language()))
    engine = open_database(database)
    made = []
    with writing(engine) as session:
        at = now()
        everybody = [*persons, *(people.add(session, name, language, now=at, actor=CONSOLE) for name in called)]
        for person in everybody:
            answer = badges.issue(session, person, now=at, actor=CONSOLE)
            _or_take_back(session, answer)
            made.append({"person": person, "badge": str(answer.args["badge"])})
    for row in made:
        row["code"] = badges.code_of(row["badge"])
    if as_json:
        click.echo(json.dumps(made))
        return
    for row in made:
        click.echo(_("Badge %(badge)s for %(person)s: print the code %(code)s", **row))


@badge.command("print")
@click.argument("wanted", nargs=-1, metavar="[BADGE]...")
@click.option("--card", is_flag=True, help="One card a page, for a card printer; else ten on a sheet of A4.")
@click.option("--no-names", is_flag=True, help="The pseudonym in place of the name.")
@click.option("--skip", type=click.IntRange(0, 9), default=0, help="Places of the first sheet that are used up.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The PDF file to write."
)
@database_option
def badge_print(wanted: tuple[str, ...], card: bool, no_names: bool, skip: int, output: Path, database: str) -> None:
    """Cards of these badges, or of every good one, to PDF."""
    with reading(open_database(database)) as session:
        made = badge_cards.cards(
            session,
            wanted,
            layout="card" if card else "sheet",
            names=not no_names,
            skip=skip,
            language=system_language(),
        )
    if isinstance(made, Answer):
        raise click.ClickException(made.say(system_language()))
    write_file(output, typeset.pdf(made.template, made.data, now=now()))
    click.echo(_("Written: %(file)s", file=output))


@badge.command("end")
@click.argument("badge_id", metavar="BADGE")
@click.option("--why", default="", help="The reason, in a few words.")
@database_option
def badge_end(badge_id: str, why: str, database: str) -> None:
    """End BADGE: it is lost, or its person leaves."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = badges.end(session, badge_id, now=now(), why=why, actor=CONSOLE)
    tell(answer, _("Badge %(badge)s is ended.", badge=badge_id))


@badge.command("list")
@click.option("--all", "everything", is_flag=True, help="Ended ones too.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def badge_list(everything: bool, as_json: bool, database: str) -> None:
    """List the badges, by name."""
    engine = open_database(database)
    with reading(engine) as session:
        wanted = select(Badge, Person.name).outerjoin(Person, Person.id == Badge.person)
        if not everything:
            wanted = wanted.where(Badge.state == "active")
        rows = session.execute(wanted.order_by(Person.name, Badge.person, Badge.issued_at, Badge.id)).all()
        if as_json:
            click.echo(json.dumps([{"badge": b.id, "person": b.person, "state": b.state} for b, _name in rows]))
            return
        for b, name in rows:
            click.echo(f"{b.id:10} {b.person:12} {b.state:8} {b.issued_at[:10]}  {name or ''}".rstrip())
        if not rows:
            click.echo(_("There is no badge yet. Run: mes badge issue --name NAME"))


@click.group()
def qualification() -> None:
    """Say who may do what, and until when."""


@qualification.command("grant")
@click.argument("persons", nargs=-1, required=True, metavar="PERSON...")
@click.option("-q", "--qualification", "wanted", multiple=True, required=True, help="One of the plan; may be repeated.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; by the plan's months when not given.")
@database_option
def qualification_grant(
    persons: tuple[str, ...], wanted: tuple[str, ...], until: datetime | None, database: str
) -> None:
    """Let each PERSON (by pseudonym) do the steps that ask for a qualification."""
    engine = open_database(database)
    said = []
    with writing(engine) as session:
        at, last = now(), until.date() if until else None
        for person in persons:
            for each in wanted:
                answer = qualifications.grant(session, person, each, now=at, until=last, actor=CONSOLE)
                _or_take_back(session, answer)
                said.append(_("%(person)s may do %(qualification)s until %(until)s.", **dict(answer.args)))
    click.echo("\n".join(said))


@qualification.command("withdraw")
@click.argument("person")
@click.argument("wanted", metavar="QUALIFICATION")
@click.option("--why", default="", help="The reason, in a few words.")
@database_option
def qualification_withdraw(person: str, wanted: str, why: str, database: str) -> None:
    """PERSON may not do the steps that ask for QUALIFICATION any more."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = qualifications.withdraw(session, person, wanted, now=now(), why=why, actor=CONSOLE)
    tell(answer, _("%(person)s may do %(qualification)s no more.", person=person, qualification=wanted))


@qualification.command("list")
@click.option("--within", type=click.IntRange(0), help="Only those that have ended or end within so many days.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def qualification_list(within: int | None, as_json: bool, database: str) -> None:
    """List who may do what; what ends first is at the top."""
    engine = open_database(database)
    with reading(engine) as session:
        plan = revisions.latest_plan(session)
        rows = qualifications.held(session)
        if within is not None and plan is not None:
            rows = qualifications.ending(rows, qualifications.today_of(plan, now()), days=within)
        if as_json:
            names = ("person", "qualification", "valid_until")
            click.echo(json.dumps([{n: getattr(r, n) for n in names} for r in rows]))
            return
        called = {p.id: p.name for p in session.scalars(select(Person))}
        for r in rows:
            click.echo(f"{r.valid_until}  {r.qualification:20} {r.person:12} {called.get(r.person, '')}".rstrip())
        if not rows:
            click.echo(_("Nothing is granted. Run: mes qualification grant PERSON -q QUALIFICATION"))


def _or_take_back(session: Session, answer: Answer) -> None:
    """All of a command or nothing of it."""
    if not answer.done:
        session.rollback()
        raise click.ClickException(answer.say(system_language()))
