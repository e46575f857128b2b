"""Release at the server's own command line: `mes release check|give|take-back|list`.

A release is signed: the account that decides is named, and its password is asked for. Whoever sits here could change
the database anyhow, but not by accident in somebody else's name.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from sqlalchemy.orm import Session

from mes import accounts, passwords, releases
from mes.db.session import reading, writing
from mes.domain.reasons import sentence
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.setup import database_option, now, open_database, tell

json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
carton_option = click.option("--carton", default="", metavar="SSCC", help="Only what is in this carton.")
by_option = click.option("--by", "login", required=True, metavar="LOGIN", help="The account that decides it.")


password_option = click.option("--password-stdin", is_flag=True, help="Read the password from the standard input.")


@click.group()
def release() -> None:
    """Let finished goods leave, and see what stands against it."""


def signed(session: Session, login: str, password: str) -> str:
    """The pseudonym of the account that signs.

    Raises:
        click.ClickException: there is none of that name, it is shut, or this is not its password.
    """
    found = accounts.find(session, login)
    if found is None:
        raise click.ClickException(_("No account is called %(login)s.", login=login))
    if not passwords.matches(found.password if found.active else None, password):
        raise click.ClickException(Answer(False, "password_wrong", {}).say(system_language()))
    return found.person


def asked_password(from_stdin: bool) -> str:
    """The password of who signs: typed without being shown, or the first line of the standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = click.prompt(_("Password"), hide_input=True)
    return typed


@release.command("check")
@click.argument("order")
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@carton_option
@json_option
@database_option
def release_check(order: str, units: tuple[str, ...], carton: str, as_json: bool, database: str) -> None:
    """Every reason against releasing ORDER; the command fails while there is one."""
    with reading(open_database(database)) as session:
        scope: Any = "carton" if carton else "units" if units else "order"
        found = releases.check(session, order, scope, units, carton=carton)
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
@password_option
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@carton_option
@click.option("--finished", is_flag=True, help="The units against which nothing stands.")
@click.option(
    "--quantity", type=click.IntRange(1, 1_000_000), help="Pieces of a counted order; else all that are free."
)
@click.option("--note", default="")
@database_option
def release_give(
    order: str,
    login: str,
    password_stdin: bool,
    units: tuple[str, ...],
    carton: str,
    finished: bool,
    quantity: int | None,
    note: str,
    database: str,
) -> None:
    """Release ORDER: all of it, what is finished, named units, what is in a carton, or a number of pieces."""
    scope: Any = "carton" if carton else "units" if units else "finished" if finished else "order"
    engine, password = open_database(database), asked_password(password_stdin)
    with writing(engine) as session:
        who = signed(session, login, password)
        found = releases.check(session, order, scope, units, quantity=quantity or 0, carton=carton)
        count = max(1, quantity or (found.count if found else 1))
        answer = releases.release(
            session, order, count, now=now(), actor=who, scope=scope, units=units, carton=carton, note=note
        )
        if not answer.done:
            session.rollback()
    tell(answer, _("Released: %(release)s.", release=answer.args.get("release", "")))


@release.command("take-back")
@click.argument("number", metavar="RELEASE")
@by_option
@password_option
@click.option("--why", required=True)
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@database_option
def release_take_back(
    number: str, login: str, password_stdin: bool, why: str, units: tuple[str, ...], database: str
) -> None:
    """Take RELEASE back, whole or for some units, while nothing of it has left."""
    engine, password = open_database(database), asked_password(password_stdin)
    with writing(engine) as session:
        who = signed(session, login, password)
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
