"""The declarative base, the names of constraints, and the column vocabulary that every table shares.

Times are UTC text of one width (`2026-11-23T10:42:07.125Z`): they sort as they read, are the same characters on SQLite
and PostgreSQL, and go into hashes without a conversion in between.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from sqlalchemy import BigInteger, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite numbers a row by itself only when the key is spelled INTEGER; ours are given, but one spelling serves both.
BigInt = BigInteger().with_variant(Integer(), "sqlite")

Key = Annotated[str, mapped_column(String(64), primary_key=True)]
Id = Annotated[str, mapped_column(String(64))]
Word = Annotated[str, mapped_column(String(40))]
Utc = Annotated[str, mapped_column(String(27))]
Day = Annotated[str, mapped_column(String(10))]
Long = Annotated[str, mapped_column(Text())]
Hash = Annotated[str, mapped_column(String(64))]
Position = Annotated[int, mapped_column(BigInt)]


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMES)


WIDTH = len("2026-11-23T10:42:07.125Z")


def utc_text(at: datetime) -> str:
    """An aware time as UTC text with milliseconds.

    Raises:
        ValueError: for a naive time, which would silently mean another one.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def shifted(at: str, offset_ms: int) -> str:
    """A UTC text moved by milliseconds, in the one width; out of the calendar's range it stays where it is.

    Raises:
        ValueError: for a day that is in no calendar.
    """
    moment = datetime.fromisoformat(at)
    if not offset_ms and len(at) == WIDTH:
        return at
    try:
        return utc_text(moment + timedelta(milliseconds=offset_ms))
    except OverflowError:
        return utc_text(moment)
