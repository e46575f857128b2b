"""What is wrong with a station's PC: its ports, its disk, its key, its way to the server. Each check is a value.

Nothing is changed and no unit is touched. A port is opened and closed as the agent does it, and only where nobody has
it. Words are English here and translated where they are shown; no word about a person.
"""

from __future__ import annotations

import email.utils
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from mes.i18n import N_
from mes.plan import StationFile
from mes.plan.station import Port as PortTable
from stations.durable import read_token
from stations.pin import known_server, read_pin
from stations.port_list import Holder, Listed, holders, listed
from stations.ports import LostWhy, PortSettings, try_to_open
from stations.protocol import Silence
from stations.spool import BAD, Spool
from stations.transport import Server, Transport

Level = Literal["ok", "note", "bad"]
DISK_FREE: Final = 200 * 1024 * 1024  # bytes; a bench writes about a megabyte a day
CLOCK_S: Final = 5.0  # the date of an answer has whole seconds, and the network its delay


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found (`text`) and the cure (`do`); `args` fill both."""

    name: str
    level: Level
    text: str
    do: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)


_PORTS: Final[Mapping[LostWhy, tuple[str, str]]] = {
    "missing": (
        N_("%(port)s: there is no device at %(url)s."),
        N_("Plug it in. If it is plugged in, take its path from the list of ports and write it into the file."),
    ),
    "busy": (
        N_("%(port)s: another program has it: %(who)s."),
        N_("Stop that program; two programs on one port steal each other's bytes. ModemManager: "
           "apt-get remove modemmanager"),
    ),
    "denied": (
        N_("%(port)s: this user may not use it."),
        N_("Put the agent's user into the group dialout: usermod -aG dialout USER, then sign in again."),
    ),
    "unplugged": (N_("%(port)s: it was unplugged just now."), N_("Look at its plug and cable.")),
    "broken": (N_("%(port)s: it cannot be opened (%(why)s)."), N_("Unplug it, plug it in again, and try once more.")),
}  # fmt: skip


def look(file: StationFile, folder: Path) -> Iterator[Check]:
    """Everything that is cheap to look at."""
    found = listed()
    yield from (_listed(p) for p in found)
    if not found:
        yield Check("ports", "note", N_("This PC shows no serial port with a device on it."))
    for port in file.ports:
        yield port_of(port)
    yield disk(folder)
    yield from records(folder)
    yield token(folder)
    yield from server(file, folder)


def _listed(p: Listed) -> Check:
    text = N_("Port %(device)s: %(by_id)s, USB %(usb)s, %(description)s")
    said = {"device": p.device, "by_id": p.by_id or "–", "usb": p.usb or "–", "description": p.description or "–"}
    return Check("listed", "note", text, args=said)


def port_of(port: PortTable, who: Callable[[str], list[Holder]] = holders) -> Check:
    """Whether a port of the station's file is there, free, or taken and by whom."""
    name = f"port {port.name}"
    said: dict[str, Any] = {"port": port.name, "url": port.url}
    held = who(port.url) if port.url.startswith("/dev/") and os.path.exists(port.url) else []
    if held and all(h.agent for h in held):
        text = N_("%(port)s: the agent has it, %(who)s.")
        return Check(name, "ok", text, args={**said, "who": _named(held)})
    if held:
        return Check(name, "bad", *_PORTS["busy"], args={**said, "who": _named(held)})
    lost = try_to_open(PortSettings(port.url, port.baud))
    if lost is None:
        return Check(name, "ok", N_("%(port)s: it is there and free."), args=said)
    text, do = _PORTS[lost.why]
    return Check(name, "bad", text, do, {**said, "why": lost.text[:200], "who": "–"})


def lost_words(why: LostWhy) -> tuple[str, str]:
    """What is said of a port that cannot be used, and the cure."""
    return _PORTS[why]


def who_has(path: str) -> str:
    """The programs that have a device, for people."""
    return _named(holders(path)) or "?"


def _named(held: list[Holder]) -> str:
    return ", ".join(f"{h.name or '?'} ({h.pid})" for h in held)


def disk(folder: Path) -> Check:
    """Whether there is room for what the station keeps."""
    there = next((p for p in (folder, *folder.parents) if p.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    said = {"free": free // (1024 * 1024), "folder": str(folder)}
    if free < DISK_FREE:
        return Check("disk", "bad", N_("Only %(free)s MB are free at %(folder)s."), N_("Make room on the disk."), said)
    return Check("disk", "ok", N_("%(free)s MB are free at %(folder)s."), args=said)


def records(folder: Path) -> Iterator[Check]:
    """Testers' records that wait, or that could not be read."""
    spool = Spool(folder / "records")
    said = {"waiting": len(spool.waiting()), "bad": spool.count(BAD), "folder": str(spool.folder / BAD)}
    if said["waiting"]:
        yield Check("records", "note", N_("Test records that wait for the agent: %(waiting)s"), args=said)
    if said["bad"]:
        do = N_("Read the reason in the .txt beside each, then correct it and move it back, or delete it.")
        yield Check("records", "bad", N_("Files in %(folder)s that are no test records: %(bad)s"), do, said)


def token(folder: Path) -> Check:
    """Whether the station was let in."""
    if read_token(folder / "token"):
        return Check("token", "ok", N_("The station is enrolled."))
    do = N_("At the server: mes station add ID. Here: mes station enroll FILE INVITATION")
    return Check("token", "bad", N_("The station is not enrolled: it keeps everything and sends nothing."), do)


def server(file: StationFile, folder: Path) -> Iterator[Check]:
    """Whether the server answers, is the one that was pinned, and has the same time."""
    try:
        pinned = read_pin(folder)
    except ValueError as error:
        do = N_("Enrol the station again: mes station add ID, mes station enroll FILE INVITATION")
        yield Check("pin", "bad", N_("The pinned certificate cannot be read (%(why)s)."), do, {"why": error})
        return
    found = known_server(folder, file.server)
    found = Server(found.url, found.fingerprint, found.ca, connect_s=3.0, read_s=5.0)
    said: dict[str, Any] = {"url": found.url}
    if pinned is not None or found.fingerprint:
        yield Check("pin", "ok", N_("The server's certificate is pinned."))
    elif found.plain:
        do = N_("Enrol the station with an invitation: docs/tls.md")
        yield Check("pin", "note", N_("The server is reached without TLS: %(url)s"), do, said)
    before = datetime.now(UTC)
    transport = Transport(found)
    try:
        answer = transport.exchange("GET", "/health")
    finally:
        transport.close()
    if isinstance(answer, Silence) and answer.untrusted:
        do = N_(
            "Do not go on. Tell who looks after the server: is its certificate a new one, or is this another server?"
        )
        yield Check("server", "bad", N_("Another server answers at %(url)s than the one that is pinned."), do, said)
    elif isinstance(answer, Silence):
        do = N_("Is the server on, is the network cable plugged in, is the address right?")
        yield Check(
            "server", "bad", N_("The server at %(url)s does not answer (%(why)s)."), do, {**said, "why": answer.why}
        )
    elif answer.status != 200:
        do = N_("At the server: mes doctor")
        yield Check(
            "server", "bad", N_("The server answers %(status)s: it is not ready."), do, {"status": answer.status}
        )
    else:
        yield Check("server", "ok", N_("The server at %(url)s answers."), args=said)
        yield from clock(answer.date, before)


def clock(date: str | None, now: datetime) -> Iterator[Check]:
    """The difference between the server's clock and this one, to the second."""
    try:
        theirs = email.utils.parsedate_to_datetime(date or "")
    except ValueError:
        return
    differs = (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)) - now
    said = {"seconds": round(differs.total_seconds())}
    if abs(differs.total_seconds()) > CLOCK_S:
        do = N_("Set this PC's clock by the network: timedatectl set-ntp true. Events are put right meanwhile.")
        yield Check("clock", "note", N_("The clocks differ by %(seconds)s seconds."), do, said)
    else:
        yield Check("clock", "ok", N_("The clocks agree."))
