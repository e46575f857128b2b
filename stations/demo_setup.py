"""The demo's own site in a folder: a copy of the plan with a short burn-in, station files on virtual ports, free ports.

It writes files and reserves ports, and starts nothing.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from mes import plan as plans
from mes.domain.route import Plant
from mes.domain.shifts import DAYS, shift_at
from mes.i18n import _
from mes.paths import default_config_dir
from mes.plan import Plan, StationFile
from mes.plan import Port as PortTable

HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8321
PRINTER: Final = "labels"
"""The label printer, in the plan and in the file of the station that it stands at."""
_STEP: Final = re.compile(r"(?m)^(?=\[\[\s*step\s*\]\])")
_SECONDS: Final = r"(?m)^(\s*{}\s*=\s*)([0-9_]+)"


@dataclass(frozen=True, slots=True)
class Bench:
    """One station of the demo: its file, where it lies, and where its virtual devices appear."""

    file: StationFile
    path: Path
    links: dict[str, Path]

    @property
    def id(self) -> str:
        """The station's id."""
        return self.file.station.id

    @property
    def screen_url(self) -> str:
        """The bench page."""
        return f"http://{HOST}:{self.file.screen.port}/"


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything that the demo has to know of its site."""

    folder: Path
    plan: Plan
    benches: tuple[Bench, ...]
    database: str
    server_url: str
    own_server: bool
    speed: float

    @property
    def config(self) -> Path:
        """The demo's copy of the plan."""
        return self.folder / "config"

    @property
    def data(self) -> Path:
        """Where the agents keep their events, one folder a station."""
        return self.folder / "stations"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.folder / "logs"

    def outbox(self, station: str) -> Path:
        """The outbox of a station."""
        return self.data / station / "outbox.db"


class Ports:
    """TCP ports that stay ours: bound, never listened on, so that a child can listen and a stranger cannot.

    On Linux a second socket may bind such a port when both ask for SO_REUSEADDR and neither listens yet (socket(7));
    elsewhere the port is only looked at.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._held = ExitStack()

    def reserve(self, port: int) -> bool:
        """Keep this port; False when somebody uses it."""
        held = socket.socket()
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind((HOST, port))
        except OSError:
            held.close()
            return False
        if sys.platform == "linux":
            self._held.callback(held.close)
        else:
            held.close()
        return True

    def any(self, wanted: int | None = None) -> int:
        """Keep the wanted port if it is free, else another one, outside the range of outgoing connections."""
        if wanted is not None and self.reserve(wanted):
            return wanted
        while not self.reserve(port := self._rng.randrange(20_000, 32_000)):
            pass
        return port

    def release(self) -> None:
        """Give them back."""
        self._held.close()


def read_original() -> tuple[Path, Plan, dict[str, StationFile]]:
    """The plan that the demo copies, and its station files by station.

    Raises:
        click.ClickException: it is not there, or has errors.
    """
    folder = default_config_dir()
    plan = plans.read_plan(folder)
    if isinstance(plan, list):
        first = f"{plan[0]}"
        raise click.ClickException(
            _("There is no good plan in %(folder)s: %(error)s See: mes plan check", folder=folder, error=first)
        )
    found = [plans.read_station(path) for path in sorted((folder / "stations").glob("*.toml"))]
    files = {f.station.id: f for f in found if isinstance(f, StationFile)}
    with_scanner = {i: f for i, f in files.items() if any(p.family == "scanner" for p in f.ports)}
    if not with_scanner:
        raise click.ClickException(_("No station of the plan in %(folder)s has a scanner.", folder=folder))
    return folder, plan, with_scanner


def lay_out(
    folder: Path, *, speed: float, server_url: str, own_server: bool, database: str, count: int | None, ports: Ports
) -> Demo:
    """Write the demo's site into a folder.

    Args:
        count: how many stations are manned, the first ones of the flow; None: all.

    Raises:
        click.ClickException: the plan is not there or has errors.
    """
    original, plan, files = read_original()
    config = folder / "config"
    if config.resolve() == original.resolve():
        raise click.ClickException(_("The demo writes into %(folder)s/config. Choose another folder.", folder=folder))
    for name in ("stations", "logs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(config, ignore_errors=True)
    shutil.copytree(original, config)
    for path in (config / "products").glob("*.toml"):
        path.write_text(shorter(path.read_text("utf-8"), speed), "utf-8")
    with (config / "plant.toml").open("a", encoding="utf-8") as plant:
        plant.write(shift_toml(plan.plant, datetime.now(UTC)))
    links = Path(tempfile.mkdtemp(prefix="mes-demo-ports-"))  # short: a port's address may have 200 characters
    manned = [s.id for s in plan.stations if s.id in files][:count]
    fixed = own_server and server_url.endswith(f":{DEFAULT_PORT}")
    benches = []
    for path in sorted((config / "stations").glob("*.toml")):
        file = plans.read_station(path)
        if not isinstance(file, StationFile) or file.station.id not in manned:
            continue
        if file.station.id == manned[0]:
            file = file.model_copy(update={"ports": (*file.ports, _label_printer())})
            with (config / "plant.toml").open("a", encoding="utf-8") as plant:
                plant.write(printer_toml(file.station.id))
        own = {p.name: links / f"{file.station.id}-{p.name}" for p in file.ports}
        port = ports.any(file.screen.port if fixed else None)
        path.write_text(station_toml(file, own, screen_port=port, server_url=server_url), "utf-8")
        benches.append((path, own))
    copied = plans.read_plan(config)
    if isinstance(copied, list):
        raise click.ClickException(_("The demo cannot work with this plan: %(error)s", error=copied[0]))
    read = [Bench(_read(path), path, own) for path, own in benches]
    read.sort(key=lambda b: manned.index(b.id))
    return Demo(folder, copied, tuple(read), database, server_url, own_server, speed)


def links_of(demo: Demo) -> Path:
    """The folder of the virtual devices."""
    return next(iter(demo.benches[0].links.values())).parent


def _read(path: Path) -> StationFile:
    file = plans.read_station(path)
    if not isinstance(file, StationFile):
        raise click.ClickException(_("The demo cannot work with this plan: %(error)s", error=file[0]))
    return file


def shorter(product: str, speed: float) -> str:
    """A product's file with the steps' minimum times, and the time from sample to sample, divided by the speed.

    The server judges them by real time, and a burn-in of two hours would show nothing. The person's own time of the
    step (its cycle without the minimum) stays as it is.
    """
    steps = _STEP.split(product)
    return "".join(_shorter_step(step, speed) for step in steps)


def _shorter_step(step: str, speed: float) -> str:
    least = re.search(_SECONDS.format("min_s"), step)
    if least is None:
        return step
    old = int(least[2].replace("_", ""))
    new = max(1, round(old / speed)) if old else 0

    def cycle(found: re.Match[str]) -> str:
        return f"{found[1]}{max(1, int(found[2].replace('_', '')) - old) + new}"

    def sample(found: re.Match[str]) -> str:
        planned = int(found[2].replace("_", ""))
        return f"{found[1]}{max(1, round(planned / speed)) if planned else 0}"

    step = re.sub(_SECONDS.format("sample_s"), sample, step)
    step = re.sub(_SECONDS.format("cycle_s"), cycle, step)
    return re.sub(_SECONDS.format("min_s"), rf"\g<1>{new}", step)


def station_toml(file: StationFile, links: dict[str, Path], *, screen_port: int, server_url: str) -> str:
    """A station's file with the demo's ports and server; what the plan says of the station stays."""
    s = file.station
    lines = [
        "# Written by `mes demo`.",
        "[station]",
        f"id = {_text(s.id)}",
        f"name = {{ fr = {_text(s.name.fr)}, en = {_text(s.name.en)} }}",
        f"line = {_text(s.line)}",
        f"place = {s.place}",
        f"places = {s.places}",
    ]
    for port in file.ports:
        # pyserial's alt:// opens any path like a device, wherever the demo may write.
        url = f"alt://{links[port.name]}?class=Serial"
        lines += ["", "[[port]]", f"name = {_text(port.name)}", f"family = {_text(port.family)}", f"url = {_text(url)}"]
        lines += [f"baud = {port.baud}", *_instrument(port)]
    lines += ["", "[screen]", f"port = {screen_port}", "", "[server]", f"url = {_text(server_url)}", ""]
    return "\n".join(lines)


def _label_printer() -> PortTable:
    return PortTable(name=PRINTER, family="label-printer", url="/dev/null")  # its url is the link's


def shift_toml(plant: Plant, now: datetime) -> str:
    """A shift of eight hours around this one where the plan has none: at night, too, the board shows figures."""
    zone = ZoneInfo(plant.timezone)
    if shift_at(plant.shifts, zone, now) is not None:
        return ""
    start = now.astimezone(zone).replace(minute=0) - timedelta(hours=1)
    days = ", ".join(f'"{day}"' for day in DAYS)
    return (
        '\n[[shift]]\nid = "demo"\nname = { fr = "Équipe de démonstration", en = "Demo shift" }\n'
        f'start = "{start:%H:%M}"\nend = "{(start.hour + 8) % 24:02}:00"\ndays = [{days}]\n'
    )


def printer_toml(station: str) -> str:
    """The demo's label printer, as the plan names it: it stands at the first station of the flow."""
    return f'\n# Written by `mes demo`.\n[[printer]]\nid = "{PRINTER}"\nstation = {_text(station)}\nlabel = "57x32"\n'


def _instrument(port: PortTable) -> list[str]:
    if port.instrument is None:
        return []
    due = date.today() + timedelta(days=365)  # noqa: DTZ011 - a day of the calendar, as the plan has it
    it = port.instrument.model_copy(update={"calibration_due": due})
    return [f"instrument = {{ id = {_text(it.id)}, serial = {_text(it.serial)}, calibration_due = {due.isoformat()} }}"]


def _text(value: str) -> str:
    """A TOML basic string. JSON writes the same, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
