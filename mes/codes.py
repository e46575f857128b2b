"""Bar codes that read back: Code 128, GS1-128 and QR as shapes of whole modules and as SVG, or the reason why not.

`readable` says whether a text can be printed so that a scanner gives the same text again; what cannot is not drawn.
Bars are decoded again from the very modules that are drawn, so that no error of an encoder reaches paper. It must not
know what the text means, nor pages and paper.

Source: ISO/IEC 15417 (Code 128) by python-barcode, GS1 General Specifications 5.4 (GS1-128), ISO/IEC 18004 (QR) by
segno.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import groupby
from typing import Final, Literal, cast

import segno
from barcode.charsets import code128 as sets
from barcode.codex import Code128

from mes.domain.supplier_label import EOT, GS, RS, read_element_strings, read_envelope

Symbology = Literal["code128", "gs1-128", "qr"]
Unfit = Literal["code_empty", "code_characters", "code_blanks", "code_gs1", "code_unread", "code_wide"]
"""Why a text is not printed: a code of `mes.domain.reasons`."""

QUIET_BARS: Final = 10  # modules of white on each side. Source: ISO/IEC 15417, 4.7
QUIET_QR: Final = 4  # modules of white all around. Source: ISO/IEC 18004, 5.3.8
DOT: Final = 0.125  # mm: one dot of a label printer with 203 dpi; a module of whole dots stays sharp on it
LEAST_BAR: Final = 2  # dots: 0.25 mm, what a hand-held laser or camera reads at arm's length
MOST_BAR: Final = 4  # dots: wider bars only make it hard to hit
LEAST_SQUARE: Final = 3  # dots: 0.375 mm. Source: GS1 General Specifications, 5.12.3 (0.396 mm on general items)
MOST_SQUARE: Final = 6
FNC1: Final = "\xf1"  # how python-barcode writes FNC1

_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_FNC1, _CODE_C, _CODE_B, _CODE_A = 102, 99, 100, 101


@dataclass(frozen=True, slots=True)
class Shape:
    """A drawing of `width` × `height` modules, its quiet zone in it; `path` is what is dark."""

    width: int
    height: int
    path: str


def readable(text: str, symbology: Symbology, *, width: float | None = None) -> Unfit | None:
    """Whether a text can be printed so that it reads back as it is.

    Args:
        text: what the scanner shall give; in GS1-128, element strings with GS (0x1D) after each of variable length.
        width: the room for the code with its quiet zone, in mm; None: as much as it takes.

    Returns:
        None, or why not.
    """
    if not text:
        return "code_empty"
    if not _PRINTABLE.fullmatch(_without_separators(text, symbology)):
        return "code_characters"
    if text != text.strip(" "):
        return "code_blanks"  # a scanner's program trims what it gets
    if symbology == "gs1-128" and read_element_strings(text) is None:
        return "code_gs1"
    if symbology != "qr" and _read_back(_modules(_said(text, symbology))) != _said(text, symbology):
        return "code_unread"
    try:
        shape = shape_of(text, symbology)
    except segno.DataOverflowError:
        return "code_wide"
    return "code_wide" if width is not None and dots(shape, symbology, width) is None else None


def _without_separators(text: str, symbology: Symbology) -> str:
    """A text without the separators that its kind may have: GS1 data in bars, a component label in a QR code."""
    if symbology == "gs1-128":
        return text.replace(GS, "")
    if symbology == "qr" and read_envelope(text) is not None:
        return re.sub(f"[{GS}{RS}{EOT}]", "", text)
    return text


def shape_of(text: str, symbology: Symbology) -> Shape:
    """The shape of a text of which `readable` has said nothing bad."""
    return square(text) if symbology == "qr" else bars(_said(text, symbology))


@cache
def bars(text: str) -> Shape:
    """Code 128: one module high, to be drawn as high as there is room. FNC1 in front makes it GS1-128."""
    modules = _modules(text)
    return Shape(len(modules) + 2 * QUIET_BARS, 1, _row(modules, QUIET_BARS, 0))


@cache
def square(text: str) -> Shape:
    """A QR code (error correction M), for scanners that read cameras' codes."""
    matrix = segno.make(text, micro=False, error="m").matrix
    rows = ["".join("1" if dark else "0" for dark in row) for row in matrix]
    side = len(rows) + 2 * QUIET_QR
    return Shape(side, side, "".join(_row(row, QUIET_QR, y + QUIET_QR) for y, row in enumerate(rows)))


def dots(shape: Shape, symbology: Symbology, width: float) -> int | None:
    """How many printer's dots a module has when the shape fills a width (mm) as well as can be; None: too narrow."""
    least, most = (LEAST_SQUARE, MOST_SQUARE) if symbology == "qr" else (LEAST_BAR, MOST_BAR)
    found = min(most, int(width / (shape.width * DOT) + 1e-9))
    return found if found >= least else None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A code as SVG with its size on paper, in mm."""

    svg: str
    width: float
    height: float


def draw(text: str, symbology: Symbology, *, width: float, height: float, caption: str = "") -> Drawing:
    """A code as large as the room allows, in modules of whole dots, its quiet zone in it.

    Args:
        width, height: the room, in mm. Bars take the height without the caption; a QR code is a square in the room.
        caption: what a person reads, under the code.

    Raises:
        ValueError: `readable` says why not.
    """
    room = width if symbology != "qr" else min(width, height)
    why = readable(text, symbology, width=room)
    shape = shape_of(text, symbology) if why is None else None
    module = dots(shape, symbology, room) if shape else None
    if shape is None or module is None:
        raise ValueError(f"{text!r} cannot be printed as {symbology}: {why}")
    wide = shape.width * module * DOT
    room_below = 4.0 if caption else 0.0
    high = height - room_below if symbology != "qr" else wide
    scale = f"scale({module * DOT:g} {(high if symbology != 'qr' else module * DOT):g})"
    words = (
        f'<text x="{wide / 2:g}" y="{high + 3.2:g}" text-anchor="middle" font-family="monospace" font-size="3.2">'
        f"{escape(caption)}</text>"
        if caption
        else ""
    )
    tall = high + room_below
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}mm" height="{tall:g}mm" '
        f'viewBox="0 0 {wide:g} {tall:g}"><rect width="{wide:g}" height="{tall:g}" fill="#fff"/>'
        f'<path transform="{scale}" d="{shape.path}" fill="#000" shape-rendering="crispEdges"/>{words}</svg>'
    )
    return Drawing(svg, wide, tall)


class _Code128(Code128):  # type: ignore[misc]  # the library has no types
    """Code 128 that keeps a "99" in front: python-barcode 0.16.1 takes that pair of digits for a change to set C, in
    which it always begins. `_read_back` would find it out should the library change."""

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        return encoded if encoded[1] == _CODE_C else cast(list[int], super()._try_to_optimize(encoded))

    def _is_char_fnc1_char(self, char: str) -> bool:
        return char == FNC1


def _said(text: str, symbology: Symbology) -> str:
    """What the encoder is given: FNC1 in front of GS1 data, and for each separator."""
    return FNC1 + text.replace(GS, FNC1) if symbology == "gs1-128" else text


def characters(text: str, symbology: Symbology) -> list[int]:
    """The characters of a Code 128 from its start to before its check character, for a printer that draws it itself."""
    body = _modules(_said(text, symbology))[:-13]
    return [_VALUES[body[i : i + 11]] for i in range(0, len(body) - 11, 11)]


def _modules(text: str) -> str:
    return cast(str, _Code128(text).build()[0])


def _read_back(modules: str) -> str | None:
    """The text of bars, by the tables of the standard and not by the way they were made; None: no scanner reads them.

    Source: ISO/IEC 15417, 4.3 (structure, sets A to C, check character).
    """
    body, end = modules[:-13], modules[-13:]
    if end != sets.STOP + "11" or len(body) % 11:
        return None
    values = [_VALUES.get(body[i : i + 11]) for i in range(0, len(body), 11)]
    if None in values or len(values) < 3:
        return None
    start, *data, check = cast(list[int], values)
    if check != (start + sum(i * v for i, v in enumerate(data, 1))) % 103:
        return None
    held = {103: "A", 104: "B", 105: "C"}.get(start)
    text = ""
    for value in data:
        if value == _FNC1:
            text += FNC1
        elif held == "C" and value < 100:
            text += f"{value:02}"
        elif value in (to := {_CODE_A: "A", _CODE_B: "B", _CODE_C: "C"}) and to[value] != held:
            held = to[value]
        elif held in ("A", "B") and value < 96:
            text += _SETS[held][value]
        else:
            return None  # shift, FNC2 to FNC4: never in our texts
    return text


_VALUES: Final[dict[str, int]] = {pattern: value for value, pattern in enumerate(sets.CODES)}
_SETS: Final[dict[str, dict[int, str]]] = {
    "A": {n: chr(n + 32) if n < 64 else chr(n - 64) for n in range(96)},
    "B": {n: chr(n + 32) for n in range(96)},
}


def _row(modules: str, x: int, y: int) -> str:
    path = ""
    for value, run in groupby(modules):
        width = len(list(run))
        if value == "1":
            path += f"M{x} {y}h{width}v1h-{width}z"
        x += width
    return path
