"""Badges, qualifications and agreements (from the ledger), and people, accounts and web sessions (outside it)."""

from __future__ import annotations

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class Badge(Base):
    """A printed badge and the person who carries it, by pseudonym. A lost one is ended, never given again."""

    __tablename__ = "badge"
    __table_args__ = (Index(None, "person"),)

    id: Mapped[Key]
    person: Mapped[Id]
    language: Mapped[str] = mapped_column(String(2))
    state: Mapped[Word]
    issued_at: Mapped[Utc]
    ended_at: Mapped[Utc | None]
    n: Mapped[Position]


class Qualification(Base):
    """What a person may do, and the last day of it; `withdrawn` ones stay, as evidence."""

    __tablename__ = "qualification"

    person: Mapped[Key]
    qualification: Mapped[Key]
    valid_until: Mapped[str] = mapped_column(String(10))
    state: Mapped[Word]
    since: Mapped[Utc]
    n: Mapped[Position]


class Override(Base):
    """A supervisor let somebody do a unit (or book an order) at a step, the last time; `used` up with that visit."""

    __tablename__ = "override"

    unit: Mapped[Key]
    step: Mapped[Key]
    visit: Mapped[int]
    operator: Mapped[Id]
    station: Mapped[Id]
    by: Mapped[Id]
    reasons: Mapped[Long]
    state: Mapped[Word]
    since: Mapped[Utc]
    n: Mapped[Position]


class Person(Base):
    """The one table that knows a name. Everything else knows the pseudonym; erasing the row leaves all of it valid."""

    __tablename__ = "person"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[Utc]


class Account(Base):
    """A person's way in at the web pages. `password` and `pin` are argon2id hashes; `pin` is a supervisor's."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("login"),)

    person: Mapped[Key]
    login: Mapped[Id]
    password: Mapped[str] = mapped_column(String(200))
    pin: Mapped[str | None] = mapped_column(String(200))
    active: Mapped[bool]
    must_change: Mapped[bool]
    created_at: Mapped[Utc]


class AccountRole(Base):
    """One role of an account; which there are stands in `mes.wire.Role`."""

    __tablename__ = "account_role"

    person: Mapped[Key]
    role: Mapped[str] = mapped_column(String(40), primary_key=True)


class WebSession(Base):
    """A browser that is signed in; only the hash of its key is here. A session that has ended has no row."""

    __tablename__ = "web_session"
    __table_args__ = (Index(None, "person"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[Id]
    created_at: Mapped[Utc]
    seen_at: Mapped[Utc]
