"""Keys of programs, and what became of their requests: outside the ledger's state."""

from __future__ import annotations

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Day, Hash, Id, Key, Long, Utc, Word


class ApiKey(Base):
    """A program's key; only its hash is here. `customer`: the one whose orders it sees; empty: all."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("id"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[Word]
    customer: Mapped[str] = mapped_column(String(120))
    ends_on: Mapped[Day]
    created_at: Mapped[Utc]
    used_at: Mapped[Utc | None]
    ended_at: Mapped[Utc | None]


class ApiAnswer(Base):
    """What became of a program's request, by its key and the number (`said`) that the program gave it: the same request
    again gets this answer. `orders` is a JSON list."""

    __tablename__ = "api_answer"

    key: Mapped[Key]
    said: Mapped[str] = mapped_column(String(64), primary_key=True)
    sha256: Mapped[Hash]
    orders: Mapped[Long]
    made_at: Mapped[Utc]
