"""What labels are printed on: sheets of A4 as they are sold, and rolls where a page is one label. Sizes in mm; no rule.

Source: the layouts that makers of A4 label sheets share: 70 × 37 in 3 × 8 without gaps, 63.5 × 38.1 in 3 × 7 and
99.1 × 38.1 in 2 × 7. It must not know what is printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ROLL: Final = re.compile(r"([0-9]{2,3}(?:\.[0-9])?)x([0-9]{2,3}(?:\.[0-9])?)")
LEAST_WIDTH, MOST_WIDTH = 30.0, 160.0
LEAST_HEIGHT, MOST_HEIGHT = 20.0, 160.0


@dataclass(frozen=True, slots=True)
class Paper:
    """A page and the labels on it: the first one's corner, the distance from one to the next, their size."""

    name: str
    page_width: float
    page_height: float
    width: float
    height: float
    columns: int = 1
    rows: int = 1
    left: float = 0.0
    top: float = 0.0
    pitch_x: float = 0.0
    pitch_y: float = 0.0
    inset: float = 2.0
    """What stays white along a label's edge: a feed is off by so much, and few printers print to a sheet's edge."""

    @property
    def places(self) -> int:
        """Labels on a page."""
        return self.columns * self.rows


SHEETS: Final[dict[str, Paper]] = {
    "3x8": Paper("3x8", 210, 297, 70, 37, 3, 8, 0, 0.5, 70, 37, 4.5),
    "3x7": Paper("3x7", 210, 297, 63.5, 38.1, 3, 7, 7.2, 15.1, 66.1, 38.1),
    "2x7": Paper("2x7", 210, 297, 99.1, 38.1, 2, 7, 4.7, 15.1, 101.6, 38.1),
}
DEFAULT_SHEET: Final = "3x8"
ROLLS: Final = ("57x32", "70x37", "100x50")
"""The sizes of labels that a page offers; the command line takes any."""
DEFAULT_ROLL: Final = ROLLS[0]


def roll(size: str) -> Paper | None:
    """A roll by the size of its labels, such as `57x32`; None for a size that no label printer takes."""
    found = _ROLL.fullmatch(size)
    if found is None:
        return None
    width, height = float(found[1]), float(found[2])
    fits = LEAST_WIDTH <= width <= MOST_WIDTH and LEAST_HEIGHT <= height <= MOST_HEIGHT
    return Paper(size, width, height, width, height) if fits else None


def paper(name: str) -> Paper | None:
    """A sheet by its name, or a roll by its size."""
    return SHEETS.get(name) or roll(name)
