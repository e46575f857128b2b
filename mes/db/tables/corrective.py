"""Corrective actions: the question, the causes, what is to be done, and whether it has worked."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Day, Id, Key, Long, Position, Utc, Word


class CorrectiveAction(Base):
    """What is done so that a nonconformity does not come again (ISO 9001:2015, 10.2). The figures are those that stood
    when it was checked: nonconformities found, of units begun, before and after. `checked_by` is a pseudonym."""

    __tablename__ = "corrective_action"
    __table_args__ = (Index(None, "state"),)

    id: Mapped[Key]
    title: Mapped[Long]
    problem: Mapped[Long]
    product: Mapped[Id]
    step: Mapped[Id]
    defect: Mapped[Id]
    state: Mapped[Word]
    turn: Mapped[int]
    criterion: Mapped[Long]
    check_by: Mapped[Word]
    check_after: Mapped[int]
    opened_at: Mapped[Utc]
    done_at: Mapped[Utc | None]
    checked_at: Mapped[Utc | None]
    ended_at: Mapped[Utc | None]
    checked_by: Mapped[Id]
    note: Mapped[Long]
    before_found: Mapped[int]
    before_of: Mapped[int]
    after_found: Mapped[int]
    after_of: Mapped[int]
    n: Mapped[Position]


class ActionCause(Base):
    """One answer to "why?", in one of the six families of an Ishikawa diagram."""

    __tablename__ = "action_cause"

    action: Mapped[Key]
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    branch: Mapped[Word]
    text: Mapped[Long]
    under: Mapped[int]
    root: Mapped[bool]
    n: Mapped[Position]


class ActionTask(Base):
    """One thing to do; `owner` is a function of the workshop, never a person."""

    __tablename__ = "action_task"
    __table_args__ = (Index(None, "due"),)

    action: Mapped[Key]
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    turn: Mapped[int]
    text: Mapped[Long]
    owner: Mapped[Word]
    due: Mapped[Day]
    lasting: Mapped[bool]
    done_at: Mapped[Utc | None]
    evidence: Mapped[Long]
    n: Mapped[Position]


class ActionNc(Base):
    """A nonconformity that the action is about: `cause` for why it was opened, `again` for what came since."""

    __tablename__ = "action_nc"
    __table_args__ = (Index(None, "nc"),)

    action: Mapped[Key]
    nc: Mapped[Key]
    why: Mapped[Word]
    at: Mapped[Utc]
    n: Mapped[Position]
