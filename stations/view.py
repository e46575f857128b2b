"""What the bench shows: one frozen value, made by the session, drawn by the bench page, the lamp and the beep.

No text of a language stands here but the plan's own; the page translates. It knows neither HTTP nor serial ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mes.domain.route import Station, Step, Text

Phase = Literal["starting", "signed_out", "idle", "asking", "working", "testing", "paused"]
Link = Literal["starting", "up", "down", "not_allowed", "not_trusted", "old_agent"]
NeedState = Literal["todo", "doing", "ok", "bad"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that the step still wants, or has got: a component, a test, a look, a number, or DONE."""

    kind: Literal["component", "test", "inspection", "quantity", "time", "done"]
    state: NeedState
    name: Text | None = None
    part: str = ""
    detail: str = ""  # a serial, a lot; what was scanned
    have: int = 0
    want: int = 1
    value: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    marginal: float = 0.0  # width of the band inside a limit where a reading is just good
    nothing: bool = False  # it was asked for, and nothing usable came


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict that fills the lower third: its tone gives colour, shape, word and sound."""

    tone: Literal["go", "stop", "wait", "kept"]
    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)
    serial: int = 0  # grows with each new verdict, so that the page plays its sound once


@dataclass(frozen=True, slots=True)
class InRack:
    """A unit that stays at the station while others come and go (burn-in)."""

    unit: str
    ready_at: str  # UTC text
    ready: bool
    place: int | None = None
    min_s: int = 0
    samples: int = 0
    last: Literal["", "in", "out", "error"] = ""  # the last sample: within its limits, or not; nothing came


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the station and whether it works."""

    name: str
    family: str
    ok: bool
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything that the page draws."""

    station: Station
    phase: Phase
    banner: Banner
    operator: str | None = None
    unit: str | None = None
    order: str | None = None
    product: Text | None = None
    step: Step | None = None
    picture: str | None = None  # SVG text
    place: tuple[int, int] = (0, 0)  # this step, steps on the route
    needs: tuple[Need, ...] = ()
    tester: str = ""  # the tester whose line is awaited
    left_s: int | None = None  # seconds until the test that runs is over, as far as it can be known
    good: int = 0
    scrap: int = 0
    left: int | None = None
    rack: tuple[InRack, ...] = ()
    rack_place: int | None = None  # where the unit at the front stands
    devices: tuple[Device, ...] = ()
    unsafe: tuple[str, ...] = ()  # names of devices that may still be live
    help_called: bool = False
    link: Link = "starting"
    kept: int = 0
    plain_http: bool = False  # what goes to the server can be read and changed on the way
    actions: tuple[str, ...] = ()  # commands that make sense now: DONE, PASS, FAIL, UNDO, PAUSE, RESUME, HELP, …
    pin_due: bool = False  # a supervisor's badge was scanned for an override
    defects: tuple[tuple[str, Text, str | None], ...] = ()  # code, name, SVG text: offered by touch
