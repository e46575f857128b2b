"""People at the server's own command line: `mes people show`, `mes people generalise`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mes import forgetting, held, revisions
from mes.db.session import reading, writing
from mes.i18n import _
from mes.setup import CONSOLE, database_option, now, open_database, tell


@click.group()
def people() -> None:
    """What is held on people, and how long."""


@people.command("show")
@click.argument("person")
@click.option("--json", "as_json", is_flag=True, help="For another program, as the person may ask (GDPR, article 20).")
@database_option
def people_show(person: str, as_json: bool, database: str) -> None:
    """Print everything that is held on PERSON (by pseudonym). The ledger says that it was asked."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = held.ask(session, person, now=now(), actor=CONSOLE)
    if not answer.done:
        tell(answer, "")
    with reading(engine) as session:
        parts = held.read(session, person)
    if as_json:
        click.echo(json.dumps({part.id: part.rows for part in parts}, ensure_ascii=False, indent=1))
        return
    for part in parts:
        click.echo(_(part.title))
        for row in part.rows:
            click.echo("  " + " · ".join(f"{_(held.FIELDS[k])}: {v}" for k, v in row.items() if v not in ("", None)))
        if not part.rows:
            click.echo("  " + _("nothing"))
    click.echo(_("A bench also keeps its own events on its disk, until a backup holds them and 7 days have passed."))


@people.command("generalise")
@click.option("--days", type=click.IntRange(1, 3650), help="Older than so many days; as the plan says when not given.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@database_option
def people_generalise(days: int | None, dry_run: bool, database: str) -> None:
    """Forget who did what on the floor in events that are old enough; the record and the chains stay valid."""
    engine = open_database(database)
    days = days or _days_of_the_plan(engine)
    at = now()
    if dry_run:
        count = forgetting.count(engine, now=at, days=days)
        click.echo(_("%(count)s events older than %(days)s days name who did them.", count=count, days=days))
        return

    def write(use_case: Callable[[Session, datetime], int]) -> int:
        with writing(engine) as session:
            return use_case(session, now())

    count = forgetting.generalise(engine, write, now=at, days=days, actor=CONSOLE)
    click.echo(_("%(count)s events older than %(days)s days say no more who did them.", count=count, days=days))


def _days_of_the_plan(engine: Engine) -> int:
    with reading(engine) as session:
        plan = revisions.latest_plan(session)
    days = plan.plant.generalise_days if plan else 0
    if not days:
        raise click.ClickException(_("The plan does not say after how many days. Say it with --days."))
    return days
