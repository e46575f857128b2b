"""Views of the nonconformity log: filters that have a name, for everybody who reads the log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.tables import LogView
from mes.nc_log import Filter
from mes.orders import Answer, request

MOST: Final = 30


@dataclass(frozen=True, slots=True)
class View:
    """A name and its filter, as the address has it."""

    name: str
    filter: dict[str, str]


def views(session: Session) -> list[View]:
    """All views, by name."""
    rows = select(LogView).where(LogView.gone.is_(False)).order_by(LogView.name).limit(MOST)
    return [View(row.name, json.loads(row.filter)) for row in session.scalars(rows)]


def save(session: Session, name: str, wanted: Filter, *, now: datetime, actor: str | None = None) -> Answer:
    """Give a filter a name; another one of that name is replaced."""
    body = wire.LogViewSaved(name=name, filter=wanted.said())
    return request(session, "LogViewSaved", body, now=now, actor=actor)


def remove(session: Session, name: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Take a view away; what it showed stays."""
    return request(session, "LogViewRemoved", wire.LogViewRemoved(name=name), now=now, actor=actor)
