"""`mes doctor --station FILE`: the checks, what the devices send, every speed; said to people, or as JSON."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from mes import plan as plans
from mes.domain.check_codes import SAID, Finding, shown
from mes.i18n import N_, _
from mes.plan import StationFile
from stations import doctor
from stations.doctor import Check
from stations.doctor_watch import TYPED, Seen, reads, try_speeds, watch
from stations.ports import LostWhy

DATA: Final = "~/.local/share/atelier"
MARKS: Final[Mapping[str, str]] = {"ok": "ok", "note": "· ", "bad": "!!"}
SPEED_S: Final = 6.0
AGENT: Final = N_("If it is the agent: stop it while you look.")


def examine(
    path: Path, *, data: Path | None, watch: bool, speeds: str | None, seconds: float | None, as_json: bool
) -> bool:
    """Look at this PC as the station of a file.

    Returns:
        Whether nothing is wrong.
    """
    found = plans.read_station(path)
    if isinstance(found, list):
        for error in found:
            click.echo(str(error), err=True)
        raise click.ClickException(_("%(file)s has errors.", file=path))
    said = _Said(as_json)
    stop = threading.Event()
    if watch or speeds is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    if speeds is not None:
        return _speeds(found, speeds, stop, seconds or SPEED_S, said)
    if watch:
        return _watch(found, stop, seconds, said)
    folder = (data or Path(os.environ.get("MES_STATION_DATA", DATA))).expanduser() / found.station.id
    checks = list(doctor.look(found, folder))
    for check in checks:
        said.check(check)
    bad = sum(1 for c in checks if c.level == "bad")
    said.text(_("Nothing is wrong.") if not bad else _("To put right: %(count)s", count=bad))
    return not bad


def _watch(file: StationFile, stop: threading.Event, seconds: float | None, said: _Said) -> bool:
    said.text(_("Scan the codes of the sheet, or any other. Ctrl-C ends."))
    wrong: dict[tuple[str, int], Finding] = {}
    lost: dict[str, Seen] = {}
    for seen in watch(file.ports, stop, seconds=seconds):
        said.seen(seen)
        if seen.lost is not None:
            lost[seen.device] = seen
            continue
        if seen.opened:
            lost.pop(seen.device, None)
        finding = seen.finding
        if finding is None or finding.fault in ("unknown", "other_code"):
            continue
        key = (seen.device, finding.number)
        if finding.good and seen.device != TYPED:
            wrong.pop(key, None)
            wrong.pop((TYPED, finding.number), None)
        else:
            wrong[key] = finding
    return not wrong and not lost


def _speeds(file: StationFile, name: str, stop: threading.Event, seconds: float, said: _Said) -> bool:
    port = next((p for p in file.ports if p.name == name), None)
    if port is None:
        known = ", ".join(p.name for p in file.ports)
        raise click.ClickException(_("No port is called %(name)s. Known: %(known)s", name=name, known=known))
    said.text(_("Scan code 1 of the sheet, again and again, until it reads."))
    for baud, heard in try_speeds(port, stop, seconds=seconds):
        good = next((s for s in heard if reads(s)), None)
        lost = next((s for s in heard if s.lost is not None), None)
        what = _("it reads") if good else _("noise") if any(s.raw for s in heard) else _("nothing came")
        came = sum(1 for s in heard if s.raw)
        said.line({"speed": baud, "reads": good is not None, "came": came}, f"{baud:>7}  {what}")
        if good is not None:
            text = _("It reads at %(baud)s.", baud=baud)
            do = "" if baud == port.baud else _("Write baud = %(baud)s into the station's file.", baud=baud)
            said.text(f"{text} {do}".strip())
            return baud == port.baud
        if lost is not None:
            said.seen(lost)
            return False
    said.text(_("It reads at no speed. Is it the right port, does the scanner beep?"))
    return False


class _Said:
    """Says it to a person, or as one JSON object a line."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json

    def text(self, text: str) -> None:
        """A sentence that only a person needs."""
        if not self._json:
            click.echo(text)

    def line(self, said: Mapping[str, Any], text: str) -> None:
        click.echo(json.dumps(said, ensure_ascii=False) if self._json else text)

    def check(self, c: Check) -> None:
        text, do = _filled(c.text, c.args), _filled(c.do, c.args)
        self.line(
            {"check": c.name, "level": c.level, "text": text, "do": do},
            f"{MARKS[c.level]} {text}" + (f"\n   → {do}" if do else ""),
        )

    def seen(self, s: Seen) -> None:
        """What came from a device, and what it tells."""
        if s.opened:
            self.line({"device": s.device, "open": True}, f"ok {s.device}: {_('it is open.')}")
            return
        if s.lost is not None:
            why: LostWhy = s.lost.why
            text, do = doctor.lost_words(why)
            args = {"port": s.device, "url": s.lost.address, "why": s.lost.text, "who": doctor.who_has(s.lost.address)}
            more = f" {_(AGENT)}" if why == "busy" else ""
            text, do = _filled(text, args), _filled(do, args) + more
            self.line({"device": s.device, "lost": why, "text": text, "do": do}, f"!! {text}\n   → {do}")
            return
        came = shown(s.raw)
        if s.finding is None or (s.finding.fault in ("unknown", "other_code") and s.device != TYPED):
            self.line({"device": s.device, "came": came}, f"   {s.device}: {came}")
            return
        findings = [s.finding]
        if s.device == TYPED and s.finding.fault not in ("unknown", "other_code"):
            keyboard = Finding("keyboard", s.finding.number)
            findings = [keyboard] if s.finding.good else [keyboard, s.finding]
        for finding in findings:
            text, do = (_filled(t, {"detail": finding.detail}) for t in SAID[finding.fault])
            said: dict[str, Any] = {
                "device": s.device, "came": came, "code": finding.number, "fault": finding.fault,
            }  # fmt: skip
            known = finding.fault not in ("unknown", "wrong_speed", "nothing")
            where = f" {_('code %(number)s:', number=finding.number)}" if known else ""
            mark = "ok" if finding.fault == "ok" else "· " if finding.good or finding.fault == "unknown" else "!!"
            arrow = f"\n   → {do}" if do else ""
            self.line({**said, "text": text, "do": do}, f"{mark} {s.device}: {came}{where} {text}{arrow}")


def _filled(text: str, args: Mapping[str, Any]) -> str:
    return (_(text, **args) if args else _(text)) if text else ""
