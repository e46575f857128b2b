"""What a demo has shown, in figures: is every event of every outbox in the ledger, once, and how long did it take?

Pure functions over rows, and two readers: an outbox file (read-only) and /proc. It must not start or stop anything.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from mes.wire import FLOOR_KINDS
from stations.simulator.host import PRINTED

ON_THE_BOARD: Final = frozenset(
    {"UnitsArrived", "UnitsDeparted", "WorkCompleted", "HelpRequested", "HelpAnswered", "StationStateChanged"}
)
"""Kinds that change what a board shows. Other events reach it with the next push, for which nobody waits."""


@dataclass(frozen=True, slots=True)
class Captured:
    """One event of an outbox: its id, and whether the server has answered for it."""

    event_id: str
    answered: bool


def read_outbox(path: Path) -> list[Captured]:
    """All events of an outbox file, which is not changed; none when there is no file."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        rows = db.execute("SELECT event_id, state FROM outbox ORDER BY seq").fetchall()
    return [Captured(str(event_id), state != "new") for event_id, state in rows]


def conservation(outboxes: Mapping[str, Sequence[Captured]], ledger: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Compare what the stations captured with what the ledger holds.

    Returns:
        `captured`, `judged` (answered for), `quarantined`; `lost`: answered for and not in the ledger; `undelivered`:
        still waiting on a station's disk; `doubled`: more than one ledger row or outbox row for one event.
    """
    rows = list(ledger)
    times = Counter(str(row["event_id"]) for row in rows)
    events = [event for outbox in outboxes.values() for event in outbox]
    ours = {event.event_id for event in events}
    kept_twice = len(events) - len(ours)
    return {
        "captured": len(events),
        "judged": sum(event.answered for event in events),
        "quarantined": sum(row["status"] == "quarantined" and str(row["event_id"]) in ours for row in rows),
        "lost": sum(event.answered and times[event.event_id] == 0 for event in events),
        "undelivered": sum(not event.answered and times[event.event_id] == 0 for event in events),
        "doubled": kept_twice + sum(n - 1 for event_id, n in times.items() if event_id in ours and n > 1),
    }


def labels(lines: Iterable[str], printer: str) -> dict[str, int]:
    """What a label printer says in its log: how many labels came out, and how many of them were another one again."""
    begin = f"{printer}{PRINTED}"
    out = [line.removeprefix(begin).strip() for line in lines if line.startswith(begin)]
    return {"printed": len(out), "doubled": len(out) - len(set(out))}


def percentiles(samples_ms: Sequence[float]) -> dict[str, float | int]:
    """How many there are, p50, p95, p99 (nearest rank) and the maximum, in milliseconds; `count` alone when empty."""
    ordered = sorted(samples_ms)
    if not ordered:
        return {"count": 0}

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {
        "count": len(ordered),
        "p50": at(0.50),
        "p95": at(0.95),
        "p99": at(0.99),
        "max": round(ordered[-1], 1),
    }


def board_latencies_ms(
    ledger: Iterable[Mapping[str, Any]],
    arrived: Callable[[int], float | None],
    *,
    since: float,
    ours: frozenset[str],
    visible_only: bool,
) -> list[float]:
    """Milliseconds from each scan to the first push that reaches its ledger position.

    Args:
        arrived: Unix time of that push by ledger position.
        since: Unix time from which on the board was listening; what was captured before is left out.
        ours: event ids of our outboxes.
        visible_only: only events that change what a board shows.
    """
    latencies = []
    for row in ledger:
        if str(row["event_id"]) not in ours or (row["kind"], 1) not in FLOOR_KINDS:
            continue
        if visible_only and (row["kind"] not in ON_THE_BOARD or row["verdict"] == "refused"):
            continue
        captured = datetime.fromisoformat(str(row["captured_at"])).timestamp()
        at = arrived(int(row["n"]))
        if captured >= since and at is not None:
            latencies.append((at - captured) * 1000)
    return latencies


def memory_mib(pid: int | None) -> float | None:
    """What a process and its children hold of this machine's memory, in MiB; None when it is gone or has no /proc.

    The proportional set size: a page that a server's two processes share counts once, not twice.
    """
    if pid is None:
        return None
    pages = [_held_kib(each) for each in (pid, *_children(pid))]
    known = [kib for kib in pages if kib is not None]
    return round(sum(known) / 1024, 1) if known else None


def _held_kib(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii", "replace")
    except OSError:
        return None
    found = next((line for line in status.splitlines() if line.startswith("Pss:")), None)
    return int(found.split()[1]) if found else None


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return []
    mine = [int(child) for child in listed]
    return [*mine, *(grandchild for child in mine for grandchild in _children(child))]
