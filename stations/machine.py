"""What names this PC and this start of it, as far as can be told without asking anybody.

The server tells a cloned disk and a second machine with one token by these. It must not know the outbox or the token.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from stations.durable import write_whole


def machine_id(folder: Path) -> str:
    """What names this PC and no copy of its disk, as well as can be told.

    The system's own id and the first network card's address: a cloned disk in another PC keeps the first and not the
    second. Where the system has no id, one is made and kept in `folder`.
    """
    try:
        system = Path("/etc/machine-id").read_text("ascii").strip()
    except OSError:
        system = ""
    kept = folder / "machine-id"
    if not system:
        if not kept.exists():
            write_whole(kept, uuid4().hex.encode())
        system = kept.read_text("ascii").strip()
    cards = sorted(p for p in Path("/sys/class/net").glob("*/address") if p.parent.name != "lo")
    card = next(
        (t for p in cards if (t := _read(p)) and t != "00:00:00:00:00:00" and (p.parent / "device").exists()), ""
    )
    return f"{system}:{card}"[:128]


def boot_id() -> str:
    """This start of the machine: the monotonic clock counts within it."""
    return _read(Path("/proc/sys/kernel/random/boot_id")) or uuid4().hex


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return ""
