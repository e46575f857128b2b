"""Release of what is made: the pre-check, the release itself, taking it back. One function a verb; the caller commits.

Who may release stands here (`AUTHORITY`): the pages' own roles come on top. What stands against it is
`mes.domain.release`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.tables import Account, AccountRole, Person, Release, ReleasedUnit, UnitRow
from mes.domain.orders import Against
from mes.fold_shipping import check as folded_check
from mes.orders import Answer, released_now, request
from mes.world import World

AUTHORITY: Final[frozenset[wire.Role]] = frozenset({"quality"})
"""The roles that carry the authority to release (ISO 9001:2015, 8.6)."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a release would cover, and everything that stands against it."""

    count: int
    against: Sequence[Against]


@dataclass(frozen=True, slots=True)
class Listed:
    """One release of an order; `by` is the name of who released, or the pseudonym where the name is gone."""

    id: str
    scope: str
    carton: str
    quantity: int
    back: int
    by: str
    note: str
    why: str
    released_at: str


def has_authority(session: Session, person: str | None) -> bool:
    """Is this an account that may release?"""
    found = (
        select(func.count())
        .select_from(AccountRole)
        .join(Account, Account.person == AccountRole.person)
        .where(Account.person == person, Account.active.is_(True), AccountRole.role.in_(AUTHORITY))
    )
    return person is not None and (session.scalar(found) or 0) > 0


def check(
    session: Session,
    order: str,
    scope: wire.Scope = "order",
    units: Sequence[str] = (),
    *,
    quantity: int = 0,
    carton: str = "",
) -> Check | None:
    """What would be released now, and every reason against it; None for an order that there is not.

    Args:
        units: for the scope `units`.
        quantity: pieces of a counted order; 0: all that are good and free.
        carton: for the scope `carton`.
    """
    world = World(session)
    row = world.orders.get(order)
    if row is None:
        return None
    found = folded_check(world, row, scope, units, quantity, carton)
    return Check(found.count, found.against)


def release(
    session: Session,
    order: str,
    quantity: int,
    *,
    now: datetime,
    actor: str | None,
    scope: wire.Scope = "order",
    units: Sequence[str] = (),
    carton: str = "",
    note: str = "",
) -> Answer:
    """Let units or pieces of an order leave.

    Args:
        quantity: how many the person has seen; with another number nothing is released.
        actor: the pseudonym of an account with the authority.
    """
    if not has_authority(session, actor):
        return Answer(False, "release_authority", {})
    body = wire.UnitsReleased(order=order, scope=scope, quantity=quantity, units=tuple(units), carton=carton, note=note)
    return request(session, "UnitsReleased", body, now=now, actor=actor)


def take_back(
    session: Session, number: str, *, now: datetime, actor: str | None, why: str, units: Sequence[str] = ()
) -> Answer:
    """A release holds no more, or not for these units; only while nothing of it has left."""
    if not has_authority(session, actor):
        return Answer(False, "release_authority", {})
    body = wire.ReleaseTakenBack(release=number, why=why, units=tuple(units))
    return request(session, "ReleaseTakenBack", body, now=now, actor=actor)


def of_order(session: Session, order: str) -> list[Listed]:
    """The releases of an order, the newest first."""
    rows = session.execute(
        select(Release, Person.name)
        .outerjoin(Person, Person.id == Release.by)
        .where(Release.order == order)
        .order_by(Release.released_at.desc(), Release.id.desc())
    )
    return [
        Listed(r.id, r.scope, r.carton, r.quantity, r.back, name or r.by, r.note, r.why, r.released_at)
        for r, name in rows
    ]


def release_of_unit(session: Session, serial: str) -> str | None:
    """The release that covers a unit as it stands; None when none does."""
    return session.scalar(
        select(ReleasedUnit.release)
        .join(UnitRow, ReleasedUnit.unit == UnitRow.serial)
        .where(UnitRow.serial == serial, released_now())
    )
