"""Release at the server's own command line: `mes release check|give|take-back|list`.

Whoever sits here could change the database anyhow; so no password is asked, but an account with the authority must be
named: it is that person's release.
"""

from __future__ import annotations

import json
from typing import Any

import click
from sqlalchemy.orm import Session

from mes import accounts, releases
from mes.db.session import reading, writing
from mes.domain.reasons import sentence
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.setup import database_option, now, open_database, tell

json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
by_option = click.option("--by", "login", required=True, metavar="LOGIN", help="The account that decides it.")


@click.group()
def release() -> None:
    """Let finished goods leave, and see what stands against it."""


def person_of(session: Session, login: str) -> str:
    """The pseudonym of an account.

    Raises:
        click.ClickException: there is none of that name.
    """
    found = accounts.find(session, login)
    if found is None:
        raise click.ClickException(_("No account is called %(login)s.", login=login))
    return found.person


@release.command("check")
@click.argument("order")
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@json_option
@database_option
def release_check(order: str, units: tuple[str, ...], as_json: bool, database: str) -> None:
    """Every reason against releasing ORDER; the command fails while there is one."""
    with reading(open_database(database)) as session:
        found = releases.check(session, order, "units" if units else "order", units)
    if found is None:
        raise click.ClickException(Answer(False, "unknown_order", {"order": order}).say(system_language()))
    said = [" ".join(sentence(a.reason, a.args, system_language())).strip() for a in found.against]
    if as_json:
        rows = [
            {"reason": a.reason, "args": dict(a.args), "message": m} for a, m in zip(found.against, said, strict=True)
        ]
        click.echo(json.dumps({"count": found.count, "against": rows}, ensure_ascii=False))
    else:
        for line in said or [_("Nothing stands against it: %(count)s units or pieces.", count=found.count)]:
            click.echo(line)
    if found.against:
        raise SystemExit(1)


@release.command("give")
@click.argument("order")
@by_option
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@click.option("--finished", is_flag=True, help="The units against which nothing stands.")
@click.option(
    "--quantity", type=click.IntRange(1, 1_000_000), help="Pieces of a counted order; else all that are free."
)
@click.option("--note", default="")
@database_option
def release_give(
    order: str, login: str, units: tuple[str, ...], finished: bool, quantity: int | None, note: str, database: str
) -> None:
    """Release ORDER: all of it, what is finished, named units, or a number of pieces."""
    scope: Any = "units" if units else "finished" if finished else "order"
    with writing(open_database(database)) as session:
        who = person_of(session, login)
        found = releases.check(session, order, scope, units, quantity=quantity or 0)
        count = max(1, quantity or (found.count if found else 1))
        answer = releases.release(session, order, count, now=now(), actor=who, scope=scope, units=units, note=note)
        if not answer.done:
            session.rollback()
    tell(answer, _("Released: %(release)s.", release=answer.args.get("release", "")))


@release.command("take-back")
@click.argument("number", metavar="RELEASE")
@by_option
@click.option("--why", required=True)
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@database_option
def release_take_back(number: str, login: str, why: str, units: tuple[str, ...], database: str) -> None:
    """Take RELEASE back, whole or for some units, while nothing of it has left."""
    with writing(open_database(database)) as session:
        who = person_of(session, login)
        answer = releases.take_back(session, number, now=now(), actor=who, why=why, units=units)
        if not answer.done:
            session.rollback()
    tell(answer, _("Release %(release)s is taken back.", release=number))


@release.command("list")
@click.argument("order")
@json_option
@database_option
def release_list(order: str, as_json: bool, database: str) -> None:
    """The releases of ORDER, the newest first."""
    with reading(open_database(database)) as session:
        rows = releases.of_order(session, order)
    if as_json:
        keys = ("id", "scope", "quantity", "back", "by", "note", "why", "released_at")
        click.echo(json.dumps([{k: getattr(r, k) for k in keys} for r in rows], ensure_ascii=False))
        return
    for r in rows:
        click.echo(f"{r.id}  {r.released_at}  {r.quantity - r.back}/{r.quantity}  {r.by}  {r.why}".rstrip())
