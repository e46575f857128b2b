"""What the templates of the bench page lay out: one frozen value, every text in it ready to be read.

Values only. `stations.screen.paint` makes them from a `Screen`; the templates add no word and no rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stations.screen.gauge import Gauge
from stations.screen.words import Look
from stations.signal import Light
from stations.view import NeedState, Screen

Size = Literal["large", "medium", "small"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The banner."""

    light: Light
    word: str
    sentence: str
    todo: str
    serial: int
    sound: str
    size: Size
    opens: str  # the panel that answers it, opened with it


@dataclass(frozen=True, slots=True)
class Notice:
    """A strip across the page for what lasts: no network, an unplugged cable, a call for help."""

    id: str
    light: Light
    mark: str
    sentence: str
    todo: str


@dataclass(frozen=True, slots=True)
class Action:
    """A touch button. Without `code` it opens the panel `opens`."""

    id: str
    label: str
    mark: str
    look: Look
    key: str
    code: str = ""
    opens: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the checklist."""

    state: NeedState
    state_word: str
    title: str
    note: str = ""
    value: str = ""
    gauge: Gauge | None = None
    nothing: bool = False  # it was asked for, and nothing usable came
    just: str = ""  # the reading passes, and only just: in words
    counts: bool = False  # offers the number keys


@dataclass(frozen=True, slots=True)
class Kept:
    """One unit of the rack: where it stands, how far it is, and what its last sample said; `bad` wants a person."""

    unit: str
    ready: bool
    when: str
    place: str = ""
    share: float | None = None  # of its time, 0 to 1
    note: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class DefectTile:
    """One defect that can be touched."""

    code: str
    name: str
    picture: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the templates need beside the screen itself."""

    screen: Screen
    language: str
    phase: str
    verdict: Verdict
    notices: tuple[Notice, ...]
    actions: tuple[Action, ...]
    title: str
    lines: tuple[str, ...]
    numbered: bool
    size: Size
    picture: str | None  # key of an SVG that the app serves
    drawing: str  # id of our own drawing, when there is no picture
    rows: tuple[Row, ...]
    folded: int  # needs that are done and not shown one by one
    later: int  # tests that come later and are not shown one by one
    counts: bool
    progress: tuple[int, int] | None
    left: str  # how long the test still takes, in words
    rack: tuple[Kept, ...]
    rack_summary: str  # in place of the rack, while a unit is at the front
    rack_place: str
    devices: tuple[tuple[str, bool], ...]  # name, works: while the station starts
    defects: tuple[DefectTile, ...]
    number: bool  # whether a number can be typed now
    link_mark: str
    link_word: str
    kept_word: str
    product: str
    place_word: str
    say: str

    @property
    def card(self) -> bool:
        """Whether there is anything to show on the right."""
        return bool(self.screen.unit or self.screen.order or self.rows or self.counts or self.rack or self.devices)
