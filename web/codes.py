"""Bar codes as shapes: what is dark, as one SVG path of whole modules, which every printer keeps sharp.

Source: ISO/IEC 15417 (Code 128) by python-barcode, ISO/IEC 18004 (QR) by segno; the shapes are ours, without styles, as
the pages' policy wants it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Final

import segno
from barcode.codex import Code128

QUIET_BARS: Final = 10  # modules of white on each side. Source: ISO/IEC 15417, 4.7
QUIET_QR: Final = 4  # modules of white all around. Source: ISO/IEC 18004, 5.3.8


@dataclass(frozen=True, slots=True)
class Shape:
    """A drawing of `width` × `height` modules, its quiet zone in it; `path` is what is dark."""

    width: int
    height: int
    path: str


def bars(text: str) -> Shape:
    """Code 128: one module high, to be drawn as high as there is room."""
    modules = Code128(text).build()[0]
    return Shape(len(modules) + 2 * QUIET_BARS, 1, _row(modules, QUIET_BARS, 0))


def square(text: str) -> Shape:
    """A QR code (error correction M), for scanners that read cameras' codes."""
    matrix = segno.make(text, micro=False, error="m").matrix
    rows = ["".join("1" if dark else "0" for dark in row) for row in matrix]
    side = len(rows) + 2 * QUIET_QR
    return Shape(side, side, "".join(_row(row, QUIET_QR, y + QUIET_QR) for y, row in enumerate(rows)))


def _row(modules: str, x: int, y: int) -> str:
    path = ""
    for value, run in groupby(modules):
        width = len(list(run))
        if value == "1":
            path += f"M{x} {y}h{width}v1h-{width}z"
        x += width
    return path
