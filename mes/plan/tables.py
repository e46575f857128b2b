"""The tables of the plan's TOML files: the vocabulary of `mes.domain.route` with what a person can get wrong in it.

Every rule is a check of one field, so that one wrong field never hides another. What a name may refer to comes in as
`mes.plan.known.Known`, gathered from all files beforehand. Nothing here reads a file.
"""

from __future__ import annotations

import re
import zoneinfo
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from mes.domain.label_paper import SHEETS, roll
from mes.domain.printer import Printer, read_address
from mes.domain.route import (
    AddressLines,
    Break,
    Defect,
    LabelDefaults,
    Language,
    Line,
    NcLimits,
    Shift,
    Slug,
    Station,
    Text,
)
from mes.i18n import _
from mes.plan.cartons import CartonTable, PalletTable, is_prefix
from mes.plan.errors import refusal, unknown, with_guess
from mes.plan.expressions import expression
from mes.plan.known import known_to
from mes.plan.numbers import ORDER, SERIAL, number_pattern
from mes.wire import Frozen

DAY_MIN: Final = 24 * 60


def picture_exists(value: str | None, info: ValidationInfo) -> str | None:
    """Field check: a picture of that name lies in the folder."""
    pictures = known_to(info).pictures
    if value is not None and pictures is not None and value not in pictures:
        raise unknown(_("No picture is called %(name)s.", name=value), value, pictures)
    return value


def _printer_exists(value: str | None, info: ValidationInfo) -> str | None:
    """Field check: the site has a printer of that name."""
    printers = known_to(info).printer_ids
    if value is not None and printers is not None and value not in printers:
        raise unknown(_("No printer is called %(name)s.", name=value), value, printers)
    return value


class FloorLineTable(Line):
    """`[[line]]`"""

    _printer_exists = field_validator("printer")(_printer_exists)


class LabelsTable(LabelDefaults):
    """`[plant.labels]`"""

    _printer_exists = field_validator("printer")(_printer_exists)

    @field_validator("sheet")
    @classmethod
    def _sheet_exists(cls, value: str | None) -> str | None:
        if value is not None and value not in SHEETS:
            raise unknown(_("No sheet is called %(name)s.", name=value), value, SHEETS)
        return value


class PlantTable(Frozen):
    """`[plant]`"""

    site: Annotated[str, Field(min_length=1, max_length=80)]
    address: AddressLines = ()
    timezone: str
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    order_pattern: Annotated[str, Field(max_length=40)] = ORDER.example
    generalise_days: Annotated[int, Field(ge=0, le=3650)] = 90
    plain_http: bool = False
    calibration: Literal["stop", "warn", "off"] = "stop"
    lots: Literal["any", "known"] = "any"
    gs1_prefix: Annotated[str | None, AfterValidator(is_prefix)] = None
    pallet: PalletTable | None = None
    nonconformity: NcLimits | None = None
    labels: LabelsTable | None = None

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            said = with_guess(_("No time zone is called %(name)s.", name=value), value, zoneinfo.available_timezones())
            raise refusal(said, _('a name of the IANA database, "Europe/Paris"')) from None
        return value

    @field_validator("order_pattern")
    @classmethod
    def _counts(cls, value: str) -> str:
        return number_pattern(value, ORDER)


class PrinterTable(Printer):
    """`[[printer]]`: a label printer."""

    station: Annotated[str | None, Field(max_length=48, validate_default=True)] = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url and read_address(url) is None:
            allowed = '"tcp://192.168.1.30:9100", "serial:///dev/ttyUSB0?baud=9600&flow=xonxoff"'
            raise refusal(_("This is not the address of a printer."), allowed)
        return url

    @field_validator("station")
    @classmethod
    def _stands_somewhere(cls, station: str | None, info: ValidationInfo) -> str | None:
        if "url" not in info.data or "id" not in info.data:
            return station
        name, known = info.data["id"], known_to(info)
        if bool(info.data["url"]) == (station is not None):
            said = _("A printer has either an address or a station that it stands at.")
            raise refusal(said, 'url = "tcp://192.168.1.30:9100", "serial:///dev/ttyUSB0"; station = "pack-2"')
        if station is None or known.stations is None:
            return station
        if station not in known.stations:
            raise unknown(_("No station is called %(name)s.", name=station), station, known.stations)
        if known.stations[station] is not None and name not in known.printers.get(station, ()):
            said = _(
                "The file of station %(station)s has no label printer called %(name)s.", station=station, name=name
            )
            raise refusal(said, f'[[port]] name = "{name}", family = "label-printer", url = "/dev/…"')
        return station

    @field_validator("label")
    @classmethod
    def _is_a_size(cls, label: str) -> str:
        if roll(label) is None:
            raise refusal(_("No label has this size: %(size)s.", size=label), _('width x height in mm, "57x32"'))
        return label


class ShiftTable(Shift):
    """`[[shift]]`; one that ends before it starts ends the next day."""

    @field_validator("end")
    @classmethod
    def _has_a_length(cls, end: str, info: ValidationInfo) -> str:
        if end == info.data.get("start"):
            raise refusal(_("The shift ends when it starts."), _("a time after the start"))
        return end

    @field_validator("breaks")
    @classmethod
    def _within_the_shift(cls, breaks: tuple[Break, ...], info: ValidationInfo) -> tuple[Break, ...]:
        start, end = info.data.get("start"), info.data.get("end")
        if start is None or end is None:
            return breaks
        wrong, last = [], 0
        for pause in sorted(breaks, key=lambda b: _after(start, b.start)):
            begins, ends = _after(start, pause.start), _after(start, pause.end)
            said = {"start": pause.start, "end": pause.end}
            if not begins < ends <= _after(start, end):
                wrong.append(_("The break from %(start)s to %(end)s is not inside the shift.", **said))
            elif begins < last:
                wrong.append(_("The break from %(start)s to %(end)s begins during another one.", **said))
            last = max(last, ends)
        if wrong:
            raise refusal(" ".join(wrong), _("from %(start)s to %(end)s, one after the other", start=start, end=end))
        return breaks


def _after(start: str, time: str) -> int:
    """Minutes from one time of day to the next time that the clock says `time`."""
    minutes = [int(t[:2]) * 60 + int(t[3:]) for t in (start, time)]
    return (minutes[1] - minutes[0]) % DAY_MIN


class DefectTable(Defect):
    """`[[defect]]`; its code is printed as one of the workshop's own codes, which know no small letters."""

    @field_validator("code")
    @classmethod
    def _can_be_printed(cls, code: str) -> str:
        if not re.fullmatch(r"[A-Z0-9-]+", code):
            raise refusal(_("The label of a defect cannot carry this code."), _("capital letters, digits and hyphens"))
        return code

    _picture_exists = field_validator("picture")(picture_exists)


class StationTable(Station):
    """`[station]`"""

    @field_validator("line")
    @classmethod
    def _line_exists(cls, line: str, info: ValidationInfo) -> str:
        lines = known_to(info).lines
        if lines is not None and line not in lines:
            raise unknown(_("No line is called %(name)s.", name=line), line, lines)
        return line


class ProductTable(Frozen):
    """`[product]`; its steps stand in `[[step]]`."""

    id: Slug
    name: Text
    customer: Annotated[str, Field(max_length=120)]
    tracking: Literal["serial", "lot"]
    serial_scan: str | None = None
    serial: Annotated[str | None, Field(max_length=40, validate_default=True)] = None
    weight_g: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    carton: CartonTable | None = None

    @field_validator("serial_scan")
    @classmethod
    def _is_a_pattern(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if pattern is None:
            return None
        if info.data.get("tracking") == "lot":
            raise refusal(_("A lot has no serial numbers."), _('no key "serial", or tracking = "serial"'))
        allowed = _("a regular expression such as %(example)s", example=r"'PF[0-9A-Z]{6}'")
        if re.compile(expression(pattern, allowed)).fullmatch(""):
            raise refusal(_("This pattern lets an empty label be a serial number."), allowed)
        return pattern

    @field_validator("serial")
    @classmethod
    def _fits_the_tracking(cls, serial: str | None, info: ValidationInfo) -> str | None:
        tracking = info.data.get("tracking")
        scanned = info.data.get("serial_scan") is not None
        if scanned and serial is not None:
            raise refusal(
                _("Serial numbers are made, or scanned: not both."), _('only "serial", or only "serial_scan"')
            )
        if tracking == "serial" and serial is None and not scanned:
            raise refusal(_("A product with serial numbers needs their pattern."), f'"{SERIAL.example}"')
        if tracking == "lot" and serial is not None:
            raise refusal(_("A lot has no serial numbers."), _('no key "serial", or tracking = "serial"'))
        return number_pattern(serial, SERIAL) if serial is not None else None
