"""Accounts at the command line: `mes user add|list|roles|disable|enable|reset`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.orm import Session

from mes import accounts, passwords
from mes.db.session import reading, writing
from mes.i18n import LANGUAGES, _, system_language
from mes.letters import grouped_code
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database, tell

_role = click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(accounts.ROLES), help="May be given often."
)
_prompt = click.option("--prompt", is_flag=True, help="Ask for the password; else one is made and shown once.")
_keep = click.option("--keep-password", "keep", is_flag=True, help="It need not be changed at the first sign-in.")
_json = click.option("--json", "as_json", is_flag=True)


@click.group()
def user() -> None:
    """Accounts of those who work at the web pages: add, list, roles, disable, enable, reset."""


@user.command("add")
@click.argument("name")
@click.option("--login", required=True, help="User name: small letters, digits, dots and dashes.")
@_role
@click.option("--language", type=click.Choice(LANGUAGES), default=system_language, help="Of this person's screens.")
@_prompt
@_keep
@_json
@database_option
def user_add(
    name: str,
    login: str,
    roles: tuple[str, ...],
    language: str,
    prompt: bool,
    keep: bool,
    as_json: bool,
    database: str,
) -> None:
    """Give NAME an account; the first administrator closes the set-up page."""
    engine = open_database(database, create=True)
    password = _password(login, prompt=prompt)
    kept = passwords.hashed(password)
    with writing(engine) as session:
        answer = accounts.add(
            session, name, login, roles, kept, language=language, must_change=not keep, now=now(), actor=CONSOLE
        )
    _show(answer, login, password, shown=not prompt, as_json=as_json)


@user.command("reset")
@click.argument("login")
@_prompt
@_keep
@_json
@database_option
def user_reset(login: str, prompt: bool, keep: bool, as_json: bool, database: str) -> None:
    """Give LOGIN another password; it is changed at the next sign-in, and all sessions end."""
    engine = open_database(database)
    password = _password(login, prompt=prompt)
    kept = passwords.hashed(password)
    with writing(engine) as session:
        person = _person(session, login)
        answer = accounts.reset(session, person, kept, must_change=not keep, now=now(), actor=CONSOLE)
    _show(answer, login, password, shown=not prompt, as_json=as_json)


@user.command("roles")
@click.argument("login")
@_role
@database_option
def user_roles(login: str, roles: tuple[str, ...], database: str) -> None:
    """Give LOGIN these roles and no others."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = accounts.change_roles(session, _person(session, login), roles, now=now(), actor=CONSOLE)
    tell(answer, _("%(login)s now is: %(roles)s.", login=login, roles=", ".join(roles)))


def _verb(name: str, verb: Callable[..., Answer], what: str) -> None:
    def command(login: str, database: str) -> None:
        engine = open_database(database)
        with writing(engine) as session:
            answer = verb(session, _person(session, login), now=now(), actor=CONSOLE)
        tell(answer, _("Account %(login)s: done.", login=login))

    command.__doc__ = what
    user.command(name)(click.argument("login")(database_option(command)))


_verb("disable", accounts.disable, "Shut LOGIN out: all sessions end at once.")
_verb("enable", accounts.enable, "Let LOGIN in again.")


@user.command("list")
@_json
@database_option
def user_list(as_json: bool, database: str) -> None:
    """List the accounts."""
    engine = open_database(database)
    with reading(engine) as session:
        rows = accounts.listed(session)
    if as_json:
        names = ("person", "login", "name", "roles", "active", "must_change")
        click.echo(json.dumps([{n: getattr(r, n) for n in names} for r in rows], ensure_ascii=False))
        return
    for r in rows:
        click.echo(f"{r.login:20} {r.name:28} {', '.join(r.roles)}{'' if r.active else '  ' + _('(disabled)')}")
    if not rows:
        click.echo(_("There is no account yet. Run: mes user add NAME --login LOGIN --role admin"))


def _person(session: Session, login: str) -> str:
    row = accounts.find(session, login)
    if row is None:
        raise click.ClickException(Answer(False, "unknown_account", {"login": login}).say(system_language()))
    return row.person


def _password(login: str, *, prompt: bool) -> str:
    if not prompt:
        return grouped_code()
    password: str = click.prompt(_("Password"), hide_input=True, confirmation_prompt=True)
    weak = passwords.weakness(password, accounts.login_of(login))
    if weak is not None:
        raise click.ClickException(Answer(False, weak, {}).say(system_language()))
    return password


def _show(answer: Answer, login: str, password: str, *, shown: bool, as_json: bool) -> None:
    if as_json and answer.done:
        said: dict[str, Any] = {"login": accounts.login_of(login)}
        click.echo(json.dumps(said | ({"password": password} if shown else {})))
        return
    tell(answer, _("Account %(login)s: done.", login=login))
    if shown:
        click.echo(_("Password, shown this once: %(password)s", password=password))
