"""The register of instruments, what was measured with which, and the files of their certificates."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Day, Hash, Id, Key, Long, Position, Utc, Word


class Instrument(Base):
    """A measuring instrument of the register. `done`, `due` and `result` are those of the calibration that counts now;
    `retired_on` and `returned_on` the last time that it was taken out of use, and back."""

    __tablename__ = "instrument"
    __table_args__ = (Index(None, "state", "due"),)

    id: Mapped[Key]
    family: Mapped[str] = mapped_column(String(120))
    model: Mapped[str] = mapped_column(String(120))
    serial: Mapped[str] = mapped_column(String(120))
    supplier: Mapped[str] = mapped_column(String(120))
    months: Mapped[int]
    state: Mapped[Word]
    retired_on: Mapped[Day | None]
    returned_on: Mapped[Day | None]
    why: Mapped[Long]
    calibrations: Mapped[int]
    done: Mapped[Day | None]
    due: Mapped[Day | None]
    result: Mapped[Word | None]
    registered_at: Mapped[Utc]
    n: Mapped[Position]


class Calibration(Base):
    """One calibration of an instrument, numbered as they were recorded; its file lies in `file`, by its hash."""

    __tablename__ = "calibration"

    instrument: Mapped[Key]
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    done: Mapped[Day]
    due: Mapped[Day | None]
    result: Mapped[Word]
    supplier: Mapped[str] = mapped_column(String(120))
    certificate: Mapped[str] = mapped_column(String(120))
    file_sha256: Mapped[Hash | None]
    file_name: Mapped[str] = mapped_column(String(120))
    file_size: Mapped[int]
    file_type: Mapped[Word]
    note: Mapped[Long]
    recorded_at: Mapped[Utc]
    n: Mapped[Position]


class MeasuredWith(Base):
    """Which instrument has measured which unit, in which event: what has to be looked at when it is found unfit.

    `outcome` is what counted (`sample`: a reading on the way), `fitness` why the instrument was not fit that day, empty
    when it was. Nobody stands in it.
    """

    __tablename__ = "tested_with"
    __table_args__ = (Index(None, "device", "at", "event_id"), Index(None, "device", "unit"), Index(None, "unit"))

    device: Mapped[Key]
    event_id: Mapped[Key]
    unit: Mapped[Id]
    order: Mapped[Id]
    step: Mapped[Id]
    station: Mapped[Id]
    serial: Mapped[Id]
    at: Mapped[Utc]
    outcome: Mapped[Word]
    fitness: Mapped[Word]
    n: Mapped[Position]


class File(Base):
    """A file that a ledger row names by its hash: a certificate. In the database, so that every backup holds it."""

    __tablename__ = "file"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
