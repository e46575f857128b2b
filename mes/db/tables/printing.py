"""The queue of the label printers. It is no state of the floor: what was printed is in the ledger."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, BigInt, Id, Long, Utc, Word


class PrintJob(Base):
    """One label for one printer, to come out once. `state`: `waiting`, `sending`, `unsure`, `printed`, `cancelled`."""

    __tablename__ = "print_job"
    __table_args__ = (Index(None, "printer", "state"), Index(None, "template", "subject"))

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    printer: Mapped[Id]
    state: Mapped[Word]
    template: Mapped[str] = mapped_column(String(10))
    subject: Mapped[Id]
    label: Mapped[Long]
    copy: Mapped[int]
    language: Mapped[str] = mapped_column(String(2))
    why: Mapped[Word]
    actor: Mapped[Id | None]
    made_at: Mapped[Utc]
    at: Mapped[Utc]
