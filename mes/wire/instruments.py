"""Bodies: the register of instruments."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from mes.wire.envelope import Count, Day, Frozen, Sha256
from mes.wire.people import InstrumentId, OneLine

MAX_FILE: Final = 10 * 1024 * 1024  # bytes of a certificate


class InstrumentDescribed(Frozen):
    """A measuring instrument of the plant: its number, what it is, who calibrates it and how often.

    The second time it says what has changed of it.
    """

    instrument: InstrumentId
    family: OneLine
    model: OneLine
    serial: OneLine
    supplier: OneLine = ""
    months: Annotated[int, Field(ge=1, le=120)] = 12


class CertificateFile(Frozen):
    """A file that is kept by its own hash; what it holds stands elsewhere."""

    sha256: Sha256
    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
    size: Annotated[int, Field(ge=1, le=MAX_FILE)]
    type: Literal["application/pdf", "image/png", "image/jpeg"]


class InstrumentCalibrated(Frozen):
    """An instrument was compared with its standard: found good until a day, or unfit (then no day)."""

    instrument: InstrumentId
    done: Day
    result: Literal["good", "unfit"]
    due: Day | None = None
    supplier: OneLine = ""
    certificate: OneLine = ""
    file: CertificateFile | None = None
    note: Annotated[str, Field(max_length=2_000)] = ""


class InstrumentMoved(Frozen):
    """An instrument was taken out of use, or back into it, from a day on."""

    instrument: InstrumentId
    why: Annotated[str, Field(max_length=500)] = ""


class MeasuredUnitsExported(Frozen):
    """Somebody took a list of the units that an instrument has measured since a moment."""

    instrument: InstrumentId
    since: Annotated[str, Field(max_length=27)]
    rows: Count
