"""One station's rows become one tile: which state wins, which word says it. Pure; `mes.board.rows` brings the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from mes.board.model import DeviceFault, Link, State, Tile, Word
from mes.db.base import utc_text
from mes.domain.reasons import tone
from mes.domain.route import Station, Step

STOP_STAYS: Final = timedelta(minutes=10)  # how long a red answer stands on a bench where nobody is signed in
BREAK_STATES: Final = frozenset({"SBY", "NST"})  # SEMI E10: standby and non-scheduled, with a reason: a person's break
DOWN_STATE: Final = "USD"  # unscheduled down


@dataclass(frozen=True, slots=True)
class InWork:
    """A unit on a bench: which, at which step (None when its plan does not know it), since when."""

    serial: str
    step: Step | None
    since: str


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted of a lot-tracked order at a station's step."""

    step: Step
    good: int
    scrap: int


@dataclass(frozen=True, slots=True)
class Here:
    """All that is known of a station: its row (None before its first event), and what stands at it and before it."""

    row: Any
    args: Mapping[str, Any]
    link: Link
    faults: tuple[DeviceFault, ...]
    units: Sequence[InWork]
    count: Count | None
    waiting: int
    to_start: int


def tile(station: Station, here: Here, *, open_ncs: Collection[str], now: datetime) -> Tile:
    """The tile of a station.

    Args:
        open_ncs: nonconformities that nobody has decided yet: a stop that one of them caused stands until then.
        now: the server's time.
    """
    base = Tile(
        station=station.id,
        number=station.place,
        name=station.name,
        state="idle",
        word="free",
        unit=here.units[0].serial if len(here.units) == 1 else None,
        units=len(here.units),
        places=station.places,
        step=_step_of(here),
        waiting=here.waiting,
        to_start=here.to_start,
        link=here.link,
        faults=here.faults,
    )
    row = here.row
    if row is not None and row.help_since:
        return replace(base, state="help", word="call", since=row.help_since, unit=base.unit or row.unit)
    manned = row is not None and row.signed_in
    if here.link.offline_since is not None:
        return _offline(base, busy=manned or bool(here.units))
    if row is not None:
        stopped = _stopped(base, here, manned=manned, open_ncs=open_ncs, now=now)
        if stopped is not None:
            return stopped
        if manned and row.state in BREAK_STATES and row.state_reason:
            return replace(base, state="wait", word="break")
    if here.link.kept:
        return replace(base, state="kept", word="kept")
    if here.units:
        return _working(base, here.units, now)
    if here.count is not None and row is not None and (manned or _fresh(row.verdict_at, now)):
        counted = replace(base, good=here.count.good, scrap=here.count.scrap, unit=row.unit, step=here.count.step.name)
        return replace(counted, state="go", word="in_work", since=row.verdict_at)
    if manned and not here.waiting and not here.to_start:
        return replace(base, state="wait", word="waiting")
    return base


def _step_of(here: Here) -> Any:
    steps = {u.step.id: u.step for u in here.units if u.step is not None}
    return next(iter(steps.values())).name if len(steps) == 1 else None


def _offline(base: Tile, *, busy: bool) -> Tile:
    """Out of reach. A station PC that was switched off after work is not an alarm."""
    link = base.link
    if link.kept:
        return replace(base, state="kept", word="kept", since=link.offline_since)
    if busy:
        return replace(base, state="kept", word="offline", since=link.offline_since)
    return replace(base, word="off")


def _stopped(base: Tile, here: Here, *, manned: bool, open_ncs: Collection[str], now: datetime) -> Tile | None:
    row = here.row
    if row.state == DOWN_STATE:
        return replace(base, state="stop", word="down", since=row.since)
    if not row.reason or tone(row.reason) != "stop" or not (manned or _fresh(row.verdict_at, now)):
        return None
    nc = here.args.get("nc")
    if nc is not None and nc not in open_ncs:
        return None
    return replace(
        base,
        state="stop",
        word="stop",
        unit=base.unit or row.unit,
        reason=row.reason,
        args=here.args,
        nc=nc,
        since=row.verdict_at,
    )


def _fresh(at: str | None, now: datetime) -> bool:
    return at is not None and now - datetime.fromisoformat(at) < STOP_STAYS


def _working(base: Tile, units: Sequence[InWork], now: datetime) -> Tile:
    since = min(u.since for u in units)
    ends = [
        datetime.fromisoformat(u.since) + timedelta(seconds=u.step.min_s)
        for u in units
        if u.step is not None and u.step.kind == "burn-in" and u.step.min_s
    ]
    if len(ends) < len(units):
        return replace(base, state="go", word="in_work", since=since)
    until = min(ends)
    state: State = "wait" if until > now else "go"
    word: Word = "burn_in" if until > now else "ready"
    return replace(base, state=state, word=word, since=since, until=utc_text(until))


_RANK: Final[dict[str, int]] = {"help": 0, "stop": 1, "kept": 2}


def attention(tiles: Sequence[Tile]) -> tuple[str, ...]:
    """The stations that need somebody, the most pressing first; of two alike the one that has waited longer."""
    pressing = [t for t in tiles if t.state in _RANK]
    return tuple(t.station for t in sorted(pressing, key=lambda t: (_RANK[t.state], t.since or "~", t.number)))
