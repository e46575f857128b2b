"""What the board says: frozen values, compared to find out what has changed. No rule and no query here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from mes.domain.route import Shift, Text
from mes.domain.shift_plan import Output

State = Literal["go", "stop", "help", "wait", "kept", "idle"]
Word = Literal[
    "in_work", "stop", "down", "call", "break", "burn_in", "ready", "kept", "offline", "free", "waiting", "off"
]


@dataclass(frozen=True, slots=True)
class DeviceFault:
    """A device of a station that does not work, since when (UTC text)."""

    station: str
    device: str
    fault: str
    since: str


@dataclass(frozen=True, slots=True)
class Link:
    """How a station is reached: `offline_since` is when it was last heard (UTC text), None while it is heard.

    `kept` events are on its disk and not yet here, as far as it could say. `alarm` names what is wrong with its key.
    """

    offline_since: str | None = None
    kept: int = 0
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One station: what goes on there now.

    `unit` is the serial (or the order, for counted work) it is about; `units` how many are in work there, of `places`.
    `good` and `scrap` are pieces counted for counted work. `since` and `until` are UTC text; there is no `since` where
    it would only measure a person (a break, a free bench). `waiting` units stand before it, `to_start` are not begun.
    """

    station: str
    number: int
    name: Text
    state: State
    word: Word
    unit: str | None = None
    units: int = 0
    places: int = 1
    good: int | None = None
    scrap: int = 0
    step: Text | None = None
    since: str | None = None
    until: str | None = None
    reason: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    nc: str | None = None
    waiting: int = 0
    to_start: int = 0
    link: Link = field(default_factory=Link)
    faults: tuple[DeviceFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the floor with its stations in the order of the flow; units begun on it, and units held on it.

    `output` is of the steps where products leave the line, in the shift that works; None outside of shifts. `good` of
    `judged`: first visits at its steps that judge units, sums over sums, counted as for a step (`StepYield`).
    """

    id: str
    name: Text
    tiles: tuple[Tile, ...]
    in_work: int
    held: int
    output: Output | None = None
    good: int = 0
    judged: int = 0


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """Where the pieces of an order are. `between` wait for their next step, `to_start` are not begun."""

    id: str
    product: Text
    quantity: int
    state: str
    tracking: Literal["serial", "lot"]
    done: int
    in_work: int
    between: int
    held: int
    scrapped: int
    to_start: int
    due: date | None
    late_days: int


@dataclass(frozen=True, slots=True)
class Nonconformity:
    """An open nonconformity: `label` is the test or the defect by name, None for something that was not planned."""

    id: str
    unit: str
    order: str
    station: str | None
    step: Text
    cause: str
    label: Mapping[str, str] | None
    state: str
    opened_at: str


@dataclass(frozen=True, slots=True)
class Signal:
    """An open signal of a control chart: which reading is not as usual; `stops`: nothing more comes to its step."""

    id: str
    test: Text
    stops: bool


@dataclass(frozen=True, slots=True)
class StepYield:
    """First visits of a step that ended in this shift: how many, and how many passed without one failed attempt.
    Outside of shifts: that ended today. `output` is what the step has passed in the shift, None outside of shifts.

    Source: ISO 22400-2, first pass yield GP / IP (good parts in the first run over inspected parts).
    """

    product: str
    product_name: Text
    step: str
    step_name: Text
    good: int
    total: int
    output: Output | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """The whole board at a ledger position. `planned` is False before the first plan is published."""

    cursor: int
    now: str
    planned: bool
    site: str = ""
    shift: Shift | None = None
    finished_today: int = 0
    lines: tuple[Line, ...] = ()
    orders: tuple[OrderProgress, ...] = ()
    nonconformities: tuple[Nonconformity, ...] = ()
    signals: tuple[Signal, ...] = ()
    yields: tuple[StepYield, ...] = ()
    attention: tuple[str, ...] = ()
    """Station ids that need somebody: calls first, the longest first; then stops; then what is kept."""

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """Every tile, line after line."""
        return tuple(tile for line in self.lines for tile in line.tiles)

    def tile(self, station: str) -> Tile | None:
        """The tile of a station, None when the plan does not know it."""
        return next((t for t in self.tiles if t.station == station), None)
