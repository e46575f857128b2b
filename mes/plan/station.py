"""The file of one station: what the plan says of it, and what only its own PC needs: ports, screen, server.

A station PC reads it alone (`read_station`); the server reads it among the others (`mes.plan.folder`). Names of ports
are checked here; whether a port exists is the business of who opens it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from mes.domain.calibration import Named
from mes.domain.route import Slug, Station
from mes.domain.serial_line import BAUDS, Flow
from mes.i18n import _
from mes.plan.errors import Findings, PlanError, Raw, label, refusal, rows, single, texts
from mes.plan.files import read_toml, translated
from mes.plan.known import Known
from mes.plan.lines import LineTable
from mes.plan.tables import StationTable
from mes.wire import Frozen

Family = Literal[
    "scanner", "scanner-stx", "scale", "scale-kern", "scale-ohaus", "scpi", "safety-tester", "line-tester",
    "label-printer",
]  # fmt: skip
LABEL_PRINTER: Final = "label-printer"

SCANS: Final = ("scanner", "scanner-stx")
MEASURES: Final = ("scale", "scale-kern", "scale-ohaus", "scpi", "safety-tester", "line-tester")
"""The families whose readings are judged, so that their instrument must be known and calibrated (ISO 9001, 7.1.5)."""

SCHEMES: Final = ("socket://", "rfc2217://", "loop://", "spy://", "alt://", "hwgrep://", "cp2110://")
"""Source: pySerial 3.5 documentation, "URL Handlers"."""

VISA: Final = re.compile(r"visa://(?:ASRL/dev/[!-~]+|(?:TCPIP|USB|GPIB)[0-9]{0,2}::[!-~]+)::(?:INSTR|SOCKET)")
"""`visa://` and a VISA resource name. Source: VPP-4.3, "Address String Grammar"."""


class Instrument(Frozen):
    """Which measuring instrument it is, for the record of each reading."""

    id: Slug
    serial: Annotated[str, Field(min_length=1, max_length=64)]
    calibration_due: date


class Port(Frozen):
    """`[[port]]`: a device on a serial line."""

    name: Slug
    url: Annotated[str, Field(max_length=200)]
    family: Family
    baud: int = 9600
    flow: Flow = "none"
    instrument: Annotated[Instrument | None, Field(validate_default=True)] = None
    format: Annotated[LineTable | None, Field(validate_default=True)] = None

    @field_validator("url")
    @classmethod
    def _can_be_opened(cls, url: str) -> str:
        if url.startswith("visa:") and not VISA.fullmatch(url):
            allowed = "visa://TCPIP::192.168.1.20::INSTR, visa://TCPIP::192.168.1.20::5025::SOCKET"
            raise refusal(_("This is not a VISA address."), allowed)
        if not url.startswith(("/dev/", "visa:", *SCHEMES)):
            allowed = _("a path /dev/serial/by-id/… or an address such as socket://192.168.1.20:4001")
            raise refusal(_("This is not a serial port."), allowed)
        return url

    @field_validator("baud")
    @classmethod
    def _is_a_speed(cls, baud: int) -> int:
        if baud not in BAUDS:
            raise refusal(_("No serial line has this speed: %(baud)s.", baud=baud), ", ".join(map(str, BAUDS)))
        return baud

    @field_validator("instrument")
    @classmethod
    def _is_known_where_it_measures(cls, instrument: Instrument | None, info: ValidationInfo) -> Instrument | None:
        family = info.data.get("family")
        if instrument is None and family in MEASURES:
            allowed = '{ id = "…", serial = "…", calibration_due = 2027-03-01 }'
            raise refusal(_("A measuring instrument needs its number and its calibration."), allowed)
        if instrument is not None and family in SCANS:
            raise refusal(_("A scanner measures nothing."), _('no key "instrument"'))
        if instrument is not None and family == LABEL_PRINTER:
            raise refusal(_("A label printer measures nothing."), _('no key "instrument"'))
        return instrument

    @field_validator("format")
    @classmethod
    def _is_told_where_it_talks(cls, form: LineTable | None, info: ValidationInfo) -> LineTable | None:
        family = info.data.get("family")
        if form is None and family == "line-tester":
            allowed = 'format = { separator = ";", columns = ["serial", "iso", "verdict"], units = { iso = "Mohm" } }'
            raise refusal(_("Nothing says how the lines of this tester are read."), allowed)
        if form is not None and family is not None and family != "line-tester":
            raise refusal(_("Only a line tester has a form of its lines."), _('no key "format"'))
        return form


class Screen(Frozen):
    """`[screen]`: the port on which the station serves its page to its own browser."""

    port: Annotated[int, Field(ge=1024, le=65_535)]


class Server(Frozen):
    """`[server]`: where the station reports to. `fingerprint` pins the server's certificate: SHA-256, hexadecimal."""

    url: Annotated[str, Field(max_length=200)]
    fingerprint: str | None = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise refusal(_("This is not the address of a server."), '"https://atelier.lan:8443"')
        return url.rstrip("/")

    @field_validator("fingerprint")
    @classmethod
    def _is_sha256(cls, fingerprint: str | None) -> str | None:
        if fingerprint is None:
            return None
        digits = fingerprint.replace(":", "").lower()
        if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
            raise refusal(_("This is not a SHA-256 fingerprint."), _("64 hexadecimal digits"))
        return digits


class StationFile(Frozen):
    """Everything that a station PC must be told."""

    station: Station
    ports: tuple[Port, ...] = ()
    screen: Screen
    server: Server

    def port_for(self, instrument: str) -> Port | None:
        """The port that a test means by `instrument`: the port of that name, else the first of that family."""
        measuring = [p for p in self.ports if p.family in MEASURES]
        named = (p for p in measuring if p.name == instrument)
        return next(named, next((p for p in measuring if p.family == instrument), None))

    def named(self) -> dict[str, Named]:
        """The measuring instruments by what a test may call them: see `port_for`."""
        measuring = [p for p in self.ports if p.family in MEASURES]
        called = {name for p in measuring for name in (p.family, p.name)}
        return {name: _named(port) for name in sorted(called) if (port := self.port_for(name)) is not None}


def _named(port: Port) -> Named:
    known = port.instrument
    return Named(known.id, known.serial, known.calibration_due.isoformat()) if known else Named(port.name)


def instruments(document: Raw) -> dict[str, str]:
    """What a test may call the measuring instruments of a station file: family or name of a port, with its family."""
    measuring = [row for row in rows(document, "port") if row.get("family") in MEASURES]
    return {
        name: row["family"] for key in ("family", "name") for row in measuring if isinstance(name := row.get(key), str)
    }


def label_printers(document: Raw) -> tuple[str, ...]:
    """The names of the label printers of a station file."""
    return tuple(texts([row for row in rows(document, "port") if row.get("family") == LABEL_PRINTER], "name"))


def told_by(document: Raw) -> dict[str, tuple[str, ...]]:
    """What each line tester of a station file measures, by what a test may call the tester.

    One whose form is wrong is left out: it is an error already, and nothing can be said of what it measures.
    """
    testers = [row for row in rows(document, "port") if row.get("family") == "line-tester"]
    found: dict[str, tuple[str, ...]] = {}
    for row in testers:
        try:
            form = LineTable.model_validate_json(json.dumps(row.get("format"), default=str), strict=True)
        except ValidationError:
            continue
        for name in (row.get("name"), row["family"]):
            if isinstance(name, str):
                found.setdefault(name, form.measurements)
    return found


def decode_station(
    findings: Findings, document: Raw, file: str, *, languages: Collection[str], known: Known
) -> StationFile | None:
    """Decode one station file; note every error and return None when there is one."""
    before = len(findings.errors)
    findings.tables(document, file, one=("station", "screen", "server"), many=("port",))
    raw = {name: single(document, name) for name in ("station", "screen", "server")}

    def table(name: str, model: type[Any]) -> Any:
        found = raw[name]
        if found is None:
            return None
        return findings.decode(model, translated(found, languages), file=file, table=name, known=known)

    station, screen, server = table("station", StationTable), table("screen", Screen), table("server", Server)
    found = rows(document, "port")
    ports = [findings.decode(Port, row, file=file, table=f"port {label(row, i)}") for i, row in enumerate(found, 1)]
    for key, message in (
        ("name", _("Two ports are called %(value)s.")),
        ("url", _("Two ports are the same device: %(value)s.")),
    ):
        said = [(file, f"port {label(r, i)}", r[key]) for i, r in enumerate(found, 1) if isinstance(r.get(key), str)]
        findings.twice(said, message, key=key)
    if len(findings.errors) > before:
        return None
    return StationFile(
        station=Station.model_validate(station.model_dump()),
        ports=tuple(p for p in ports if p is not None),
        screen=screen,
        server=server,
    )


def read_station(path: Path) -> StationFile | list[PlanError]:
    """Read a station's file on its own PC, where there is no other file of the plan.

    Returns:
        The station with its ports, or every error of the file.
    """
    findings = Findings()
    document = read_toml(findings, path, path.name)
    station = None
    if document is not None:
        # Which languages the site speaks stands in plant.toml, which is not here: one language is enough.
        station = decode_station(findings, document, path.name, languages=(), known=Known())
    return station if station is not None else findings.errors
