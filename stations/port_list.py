"""Which serial ports this PC has, where each is plugged, and which program holds one.

It opens none and says no word about people: a program is named by its name and number. It must not know a station's
file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools import list_ports

BY_ID: Final = Path("/dev/serial/by-id")
LOCKS: Final = Path("/var/lock")  # where programs of the old school say that they use a line (UUCP lock files)


@dataclass(frozen=True, slots=True)
class Listed:
    """One port of this PC. `by_id` is the path for a station's file; `usb` is vendor and product, hexadecimal."""

    device: str
    by_id: str
    usb: str
    description: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that has a port open or locked; `name` is empty where this user may not see it.

    `agent`: it was started as `… station run …`. Of its command line nothing else is looked at or kept.
    """

    pid: int
    name: str
    agent: bool = False


def listed() -> list[Listed]:
    """The serial ports of this PC, with a device on them as far as can be told."""
    names = {os.path.realpath(link): str(link) for link in sorted(BY_ID.glob("*"))} if BY_ID.is_dir() else {}
    found = []
    for port in list_ports.comports():
        usb = f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else ""
        by_id = names.get(os.path.realpath(port.device), "")
        if usb or by_id or port.hwid not in ("", "n/a"):  # a PC has up to 32 ttyS without anything behind them
            found.append(Listed(port.device, by_id, usb, port.description or ""))
    return sorted(found, key=lambda p: p.device)


def holders(path: str, proc: Path = Path("/proc")) -> list[Holder]:
    """The programs that have a device open or locked, but for this one."""
    device = os.path.realpath(path)
    pids = {*_with_it_open(device, proc), *_with_a_lock(device, proc), *_by_lock_file(device)}
    return [Holder(pid, _name(pid, proc), _is_agent(pid, proc)) for pid in sorted(pids - {os.getpid()})]


def _with_it_open(device: str, proc: Path) -> Iterator[int]:
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            for link in (folder / "fd").iterdir():
                if os.readlink(link) == device:
                    yield int(folder.name)
                    break


def _with_a_lock(device: str, proc: Path) -> Iterator[int]:
    """Source: proc_locks(5): `1: FLOCK ADVISORY WRITE 708 00:06:91 0 EOF`: pid, then device and inode."""
    try:
        found = os.stat(device)
        lines = (proc / "locks").read_text("ascii", "replace").splitlines()
    except OSError:
        return
    wanted = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in lines:
        fields = line.split()
        if wanted in fields and fields.index(wanted) > 0:
            pid = fields[fields.index(wanted) - 1]
            if pid.isdecimal() and int(pid) > 0:
                yield int(pid)


def _by_lock_file(device: str) -> Iterator[int]:
    """Source: Filesystem Hierarchy Standard 3.0, 5.9: `LCK..ttyS0` holds the number of the process."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((LOCKS / f"LCK..{Path(device).name}").read_text("ascii").split()[0])
        os.kill(pid, 0)  # a lock of a program that has ended holds nothing
        yield pid


def _is_agent(pid: int, proc: Path) -> bool:
    try:
        return b"\x00station\x00run\x00" in (proc / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


def _name(pid: int, proc: Path) -> str:
    try:
        text = (proc / str(pid) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""
    return "".join(c if c.isprintable() else "?" for c in text)
