"""`mes simulate`: devices of one bench in a process of their own, each on a pseudo-terminal behind a link that stays.

Ended by SIGTERM it cleans up; killed and started again it is an instrument that lost power. It imports nothing
heavy: a demo runs one of these for each bench. Of a station's file it reads only what a device must know.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import click

from mes.i18n import _
from stations.simulator.faults import FAULTS, Fault
from stations.simulator.host import BadOrder, Host
from stations.simulator.kinds import FAMILIES, PERSONALITIES, Device
from stations.simulator.label_printer import (
    PRINTER_FAULTS,
    LabelPrinter,
    SerialLabelPrinter,
    VirtualLabelPrinter,
)

READ: Final = 65_536
MAX_ORDER: Final = 10_000  # bytes of a line without an end that are kept


class Rate(click.ParamType[tuple[Fault, float]]):
    """`late=0.05`."""

    name = "FAULT=RATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Fault, float]:
        """A fault's name and its share of all answers."""
        name, _sep, share = str(value).partition("=")
        if name not in FAULTS:
            self.fail(_("%(name)s is no fault: %(known)s", name=name, known=", ".join(FAULTS)), param, ctx)
        try:
            rate = float(share)
        except ValueError:
            rate = -1.0
        if not 0 <= rate <= 1:
            self.fail(_("Give a share from 0 to 1, such as %(name)s=0.05.", name=name), param, ctx)
        return cast(Fault, name), rate


class PrinterPlace(click.ParamType["int | Path"]):
    """A TCP port, or the path of a link."""

    name = "PORT|LINK"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Path:
        """Digits are a port; anything with a slash is a path."""
        text = str(value)
        if text.isascii() and text.isdecimal() and int(text) <= 65_535:
            return int(text)
        if "/" not in text:
            self.fail(_("Give a TCP port, or a path such as ./printer."), param, ctx)
        return Path(text)


def run_printer(where: int | Path) -> None:
    """A label printer; each line of the standard input is its fault from now on, an empty one mends it.

    `count` says how many labels came out, and how many of them were the very same as another one.
    """
    if isinstance(where, Path) and where.exists() and not where.is_symlink():
        raise click.ClickException(_("%(path)s exists and is no link: it is not overwritten.", path=where))
    with _woken() as woken:
        try:
            with SerialLabelPrinter(where) if isinstance(where, Path) else VirtualLabelPrinter(where) as printer:
                click.echo(_("Label printer at %(url)s", url=printer.url))
                _obey(lambda order: _strike(printer, order), woken, attended=False)
        except OSError as error:
            said = error.filename or where
            raise click.ClickException(
                _("No device can appear at %(path)s: %(why)s.", path=said, why=error.strerror)
            ) from error


def _strike(printer: LabelPrinter, order: str) -> None:
    said = order.strip()
    if said == "count":
        out = list(printer.printed)
        click.echo(json.dumps({"printed": len(out), "doubled": len(out) - len(set(out))}))
        sys.stdout.flush()
        return
    found = next((f for f in PRINTER_FAULTS if f == said), None)
    if said and found is None:
        raise BadOrder(_("%(name)s is no fault: %(known)s", name=said, known=", ".join(PRINTER_FAULTS)))
    printer.strike(found)


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--family", type=click.Choice(list(FAMILIES)), help="Without FILE: one device that speaks so.")
@click.option("--link", type=click.Path(path_type=Path), help="Without FILE: where that device appears.")
@click.option(
    "--links",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the devices of FILE appear, one link a port.",
)
@click.option("--name", default="device", show_default=True, help="Without FILE: what the device is called.")
@click.option("--personality", type=click.Choice(list(PERSONALITIES)), help="What a SCPI instrument is.")
@click.option("--seed", default="0", show_default=True, help="The same seed gives the same values and faults.")
@click.option("--fault", "rates", multiple=True, type=Rate(), help="Strike so often, as a share of all answers.")
@click.option("--late", "late_s", type=click.FloatRange(0), help="How late a late answer is, in seconds.")
@click.option("--drift", "drift_per_h", type=float, default=0.0, help="How far values wander in an hour: 0.01 is 1 %.")
@click.option(
    "--test-s", type=click.FloatRange(0.1), default=2.0, show_default=True, help="How long a safety test takes."
)
@click.option(
    "--label-printer", type=PrinterPlace(), help="A ZPL label printer alone: on TCP, or behind a link as a serial port."
)
@click.option("--attended", is_flag=True, help="End when the standard input ends: its writer is gone.")
def simulate(
    file: Path | None,
    family: str | None,
    link: Path | None,
    links: Path | None,
    name: str,
    personality: str | None,
    seed: str,
    rates: tuple[tuple[Fault, float], ...],
    late_s: float | None,
    drift_per_h: float,
    test_s: float,
    label_printer: int | Path | None,
    attended: bool,
) -> None:
    """Simulate the devices of a station's FILE, or one device. Orders are read from the standard input, one a line."""
    if label_printer is not None:
        run_printer(label_printer)
        return
    if (file is None) == (family is None) or (family is not None and link is None):
        raise click.UsageError(_("Give a station's file, or --family with --link."))
    if sum(rate for _fault, rate in rates) > 1:
        raise click.UsageError(_("The rates of all faults are together more than 1."))
    if file is not None:
        placed = devices_of(file, links, test_s)
    else:
        placed = [
            (
                Device(name, family or "", _personality(family or "", personality or name), test_s=test_s),
                Path(link or ""),
            )
        ]
    for _device, path in placed:
        if path.exists() and not path.is_symlink():
            raise click.ClickException(_("%(path)s exists and is no link: it is not overwritten.", path=path))
    with _woken() as woken:
        host = Host(placed, seed=seed, rates=dict(rates), drift_per_h=drift_per_h, late_s=late_s)
        try:
            with host:
                for line in host.describe():
                    click.echo(line)
                _obey(host.obey, woken, attended=attended)
        except OSError as error:
            raise click.ClickException(
                _("No device can appear at %(path)s: %(why)s.", path=error.filename, why=error.strerror)
            ) from error


def devices_of(file: Path, links: Path | None, test_s: float) -> list[tuple[Device, Path]]:
    """The devices that a station's file names, each with its link: in `links`, or where the file's url says.

    Raises:
        click.ClickException: the file names no device that can be simulated.
    """
    try:
        read = tomllib.loads(file.read_text("utf-8"))
        station = str(read["station"]["id"])
        ports = [(str(p["name"]), str(p["family"]), str(p["url"]), p.get("instrument", {})) for p in read["port"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.ClickException(_("%(file)s is no station's file. See: mes plan check", file=file)) from error
    placed = []
    for name, family, url, instrument in ports:
        if family not in FAMILIES:
            raise click.ClickException(_("%(family)s is no family of devices.", family=family))
        path = links / f"{station}-{name}" if links is not None else _path_of(url)
        if path is None:
            raise click.ClickException(_("Nothing can be simulated at %(url)s: give --links.", url=url))
        device = Device(name, family, _personality(family, name), str(instrument.get("serial", "0000001")), test_s)
        placed.append((device, path))
    return placed


def _path_of(url: str) -> Path | None:
    """The path in a port's url, where a link can be made."""
    path = url.removeprefix("alt://").partition("?")[0] if url.startswith("alt://") else url
    return Path(path) if path.startswith("/") and not os.path.normpath(path).startswith("/dev/") else None


def _personality(family: str, wanted: str) -> str:
    if family != "scpi":
        return ""
    return wanted if wanted in PERSONALITIES else "meter"


@contextmanager
def _woken() -> Iterator[int]:
    """A descriptor that can be read once SIGTERM, Ctrl-C or the end of the terminal has come."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_args: None) for number in numbers}
    woke = signal.set_wakeup_fd(writer)
    # In the background of a terminal, reading it would stop the process: then there are no orders.
    stopped = signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(woke)
        for number, handler in {**before, signal.SIGTTIN: stopped}.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _obey(obey: Callable[[str], None], woken: int, *, attended: bool) -> None:
    """Carry out orders until a signal comes. What is wrong with one goes to stderr, and the next is taken."""
    pending = b""
    with selectors.DefaultSelector() as ready:
        ready.register(woken, selectors.EVENT_READ)
        try:
            ready.register(0, selectors.EVENT_READ)
        except (PermissionError, ValueError):  # /dev/null or a file: there are no orders
            if attended:
                return
        while True:
            keys = {key.fd for key, _events in ready.select()}
            if woken in keys:
                return
            try:
                data = os.read(0, READ)
            except OSError:
                data = b""
            if not data:
                if attended:
                    return
                ready.unregister(0)
                continue
            *lines, pending = (pending + data).split(b"\n")
            pending = pending[-MAX_ORDER:]
            for line in lines:
                try:
                    obey(line.decode("utf-8", "replace"))
                except BadOrder as bad:
                    click.echo(bad, err=True)
                    sys.stderr.flush()
