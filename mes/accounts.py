"""Accounts of those who work at the web pages: who there is, what they may do, and how the first one comes to be.

An account belongs to a person (`mes.people`). Accounts lie outside the folded state; each thing that happens to them is
a row in the ledger, by pseudonym. Secrets come here hashed (`mes.passwords`). It must not know HTTP.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mes import people, sessions, wire
from mes.db.base import utc_text
from mes.db.tables import Account, AccountRole, Meta, Person
from mes.keys import digest
from mes.letters import grouped_code
from mes.orders import Answer, request

ROLES: Final[tuple[wire.Role, ...]] = get_args(wire.Role)
LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_SET_UP: Final = "set_up"
_CODE: Final = "setup_code"


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as a list shows it."""

    person: str
    login: str
    name: str
    roles: tuple[str, ...]
    active: bool
    must_change: bool
    has_pin: bool


def login_of(typed: str) -> str:
    """A user name as it is kept: small letters, no space around it."""
    return typed.strip().casefold()


def find(session: Session, login: str) -> Account | None:
    """The account of a user name."""
    return session.scalars(select(Account).where(Account.login == login_of(login))).one_or_none()


def listed(session: Session) -> list[Listed]:
    """Every account, by user name."""
    roles: dict[str, list[str]] = {}
    for person, role in session.execute(select(AccountRole.person, AccountRole.role)):
        roles.setdefault(person, []).append(role)
    rows = session.execute(
        select(Account, Person.name).outerjoin(Person, Person.id == Account.person).order_by(Account.login)
    )
    return [
        Listed(
            person=a.person,
            login=a.login,
            name=name or a.login,
            roles=tuple(r for r in ROLES if r in roles.get(a.person, ())),
            active=a.active,
            must_change=a.must_change,
            has_pin=a.pin is not None,
        )
        for a, name in rows
    ]


# --- the first one ----------------------------------------------------------------------------------------------------


def is_set_up(session: Session) -> bool:
    """Has there ever been an administrator? Then the set-up is closed for ever."""
    return session.get(Meta, _SET_UP) is not None


def new_setup_code(session: Session) -> str | None:
    """A code that makes the first administrator, in place of the one before it; None once there was one."""
    if is_set_up(session):
        return None
    code = grouped_code()
    session.merge(Meta(key=_CODE, value=digest(code)))
    session.flush()
    return code


def setup_code_is_right(session: Session, code: str) -> bool:
    """Is this the code that the server printed at its start?"""
    kept = session.get(Meta, _CODE)
    return kept is not None and secrets.compare_digest(kept.value, digest(code.strip().upper()))


def set_up(
    session: Session, code: str, name: str, login: str, password: str, *, language: str, now: datetime
) -> Answer:
    """Make the first administrator; of two who try at the same time exactly one succeeds.

    Args:
        code: as the server printed it.
        password: its hash.
    """
    if is_set_up(session) or not setup_code_is_right(session, code):
        return Answer(False, "setup_code_wrong", {})
    return add(session, name, login, ("admin",), password, language=language, must_change=False, now=now)


# --- what is done with accounts ---------------------------------------------------------------------------------------


def add(
    session: Session,
    name: str,
    login: str,
    roles: Collection[str],
    password: str,
    *,
    now: datetime,
    language: str = "fr",
    must_change: bool = True,
    actor: str | None = None,
) -> Answer:
    """Take a person in and give them an account. `args` of the answer name the person.

    Args:
        password: its hash.
        must_change: somebody else has seen the password.
    """
    login, called = login_of(login), people.fit_name(name)
    if called is None:
        return Answer(False, "name_form", {})
    if not LOGIN.fullmatch(login):
        return Answer(False, "login_form", {})
    if find(session, login) is not None:
        return Answer(False, "login_taken", {"login": login})
    chosen = _known(roles)
    if not chosen:
        return Answer(False, "no_role", {"known": ", ".join(ROLES)})
    person = people.add(session, called, language, now=now, actor=actor)
    session.add(
        Account(
            person=person,
            login=login,
            password=password,
            pin=None,
            active=True,
            must_change=must_change,
            created_at=utc_text(now),
        )
    )
    session.add_all(AccountRole(person=person, role=role) for role in chosen)
    session.flush()
    body = wire.AccountRoles(person=person, roles=chosen)
    answer = request(session, "AccountAdded", body, now=now, actor=actor)
    if "admin" in chosen and not is_set_up(session):
        session.add(Meta(key=_SET_UP, value=utc_text(now)))
        session.execute(delete(Meta).where(Meta.key == _CODE))
        request(session, "SetUpDone", wire.AccountNamed(person=person), now=now, actor=actor)
    return answer


def change_roles(
    session: Session, person: str, roles: Collection[str], *, now: datetime, actor: str | None = None
) -> Answer:
    """Give an account these roles and no others. It counts from the next page on."""
    row = session.get(Account, person)
    chosen = _known(roles)
    if row is None:
        return Answer(False, "unknown_account", {"login": person})
    if not chosen:
        return Answer(False, "no_role", {"known": ", ".join(ROLES)})
    if "admin" not in chosen and _is_last_admin(session, row):
        return Answer(False, "last_admin", {})
    session.execute(delete(AccountRole).where(AccountRole.person == person))
    session.add_all(AccountRole(person=person, role=role) for role in chosen)
    session.flush()
    return request(session, "RolesChanged", wire.AccountRoles(person=person, roles=chosen), now=now, actor=actor)


def disable(session: Session, person: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Shut an account: all its sessions end at once."""
    row = session.get(Account, person)
    if row is None:
        return Answer(False, "unknown_account", {"login": person})
    if _is_last_admin(session, row):
        return Answer(False, "last_admin", {})
    row.active = False
    sessions.end_all(session, person)
    session.flush()
    return request(session, "AccountDisabled", wire.AccountNamed(person=person), now=now, actor=actor)


def enable(session: Session, person: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Open an account again, with the password and the roles that it had."""
    row = session.get(Account, person)
    if row is None:
        return Answer(False, "unknown_account", {"login": person})
    row.active = True
    session.flush()
    return request(session, "AccountEnabled", wire.AccountNamed(person=person), now=now, actor=actor)


def reset(
    session: Session,
    person: str,
    password: str,
    *,
    now: datetime,
    must_change: bool = True,
    actor: str | None = None,
) -> Answer:
    """Give an account another password, which its person changes at the next sign-in; its PIN is forgotten.

    Args:
        password: its hash.
    """
    row = session.get(Account, person)
    if row is None:
        return Answer(False, "unknown_account", {"login": person})
    row.password, row.must_change, row.pin = password, must_change, None
    sessions.end_all(session, person)
    session.flush()
    return request(session, "AccountReset", wire.AccountNamed(person=person), now=now, actor=actor)


def change_password(session: Session, person: str, old: str, new: str, *, now: datetime) -> Answer:
    """A person's own change: all their sessions end, also this one.

    Args:
        old, new: hashes; `old` is what the typed password matched, and must still be the account's.
    """
    row = session.get(Account, person)
    if row is None or not row.active or row.password != old:
        return Answer(False, "password_wrong", {})
    row.password, row.must_change = new, False
    sessions.end_all(session, person)
    session.flush()
    return request(session, "PasswordChanged", wire.AccountNamed(person=person), now=now, actor=person)


def change_pin(session: Session, person: str, pin: str, *, now: datetime) -> Answer:
    """A supervisor's own PIN, for what a badge alone may not do at a bench. `pin` is its hash."""
    row = session.get(Account, person)
    if row is None or not row.active:
        return Answer(False, "unknown_account", {"login": person})
    row.pin = pin
    session.flush()
    return request(session, "PinChanged", wire.AccountNamed(person=person), now=now, actor=person)


def pin_of(session: Session, person: str) -> str | None:
    """The hash of a supervisor's PIN; None for everybody else, and for an account that is shut."""
    return session.scalar(
        select(Account.pin)
        .join(AccountRole, AccountRole.person == Account.person)
        .where(Account.person == person, Account.active.is_(True), AccountRole.role == "supervisor")
    )


def note_refusal(session: Session, person: str, why: wire.SignInWhy, *, now: datetime) -> Answer:
    """Somebody could not sign in. What was typed stands nowhere; an account is named by its pseudonym."""
    return request(session, "SignInRefused", wire.SignInRefused(person=person, why=why), now=now, actor=None)


def note_access(session: Session, person: str, path: str, roles: Collection[str], *, now: datetime) -> Answer:
    """Somebody who is signed in asked for what their roles do not allow."""
    body = wire.AccessRefused(path=path, roles=_known(roles))
    return request(session, "AccessRefused", body, now=now, actor=person)


def _known(roles: Collection[str]) -> tuple[wire.Role, ...]:
    """The roles in their own order; none at all when one is not known."""
    return tuple(r for r in ROLES if r in roles) if set(roles) <= set(ROLES) else ()


def _is_last_admin(session: Session, row: Account) -> bool:
    admins = select(Account.person).join(AccountRole, AccountRole.person == Account.person)
    admins = admins.where(AccountRole.role == "admin", Account.active.is_(True))
    return set(session.scalars(admins)) == {row.person}
