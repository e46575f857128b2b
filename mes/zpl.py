"""Labels in ZPL II: a `Label` becomes the bytes of one format for one printer.

Written by hand, of few commands. Field data is hexadecimal wherever it is not a letter, a digit or a blank, so that no
text of a label is ever taken for a command. Bars are the very characters that `mes.codes` has read back. It must not
know where the bytes go.

Source: Zebra, ZPL II Programming Guide: `^BC` (invocation characters), `^BQ`, `^CI28`, `^FH`, `^GB`, `^A0`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mes import codes
from mes.domain.label import Label
from mes.domain.label_paper import Paper
from mes.labels import room

INSET: Final = 2.0  # mm
_GLYPH: Final = 0.56  # mean width of a letter of font 0, in its height; capitals and digits at most so
_SAFE: Final = re.compile(rb"[A-Za-z0-9 ]")
_STARTS: Final = {103: ">9", 104: ">:", 105: ">;"}
_MOVES: Final = {99: ">5", 100: ">6", 101: ">7", 102: ">8"}
_SETS: Final = {103: "A", 104: "B", 105: "C", 99: "C", 100: "B", 101: "A"}


def label_zpl(label: Label, again: str, where: Paper, per_mm: int) -> bytes:
    """One label, once.

    Args:
        label: one that `mes.labels.unfit` has nothing against on this paper.
        again: what marks a copy; empty on the first.
        where: the roll's label.
        per_mm: dots of the printer in a millimetre.
    """

    def d(mm: float) -> int:
        return round(mm * per_mm)

    wide = where.width - 2 * INSET
    said = ["^XA", "^CI28", "^LH0,0", f"^PW{d(where.width)}", f"^LL{d(where.height)}"]
    y = INSET
    if label.tone:
        said.append(f"^FO{d(INSET)},{d(y)}^GB{d(wide)},{d(5)},{d(5)}^FS")
        said.append(_text(label.head, INSET + 1, y + 0.8, 3.6, wide * 0.6, d, reverse=True))
        said.append(_text(label.aside, INSET + wide * 0.64, y + 1.2, 2.6, wide * 0.34, d, reverse=True))
        y += 5.8
    elif label.symbology != "qr":
        said.append(_text(label.head, INSET, y, 2.8, wide * 0.62, d))
        said.append(_text(label.aside, INSET + wide * 0.66, y, 2.8, wide * 0.34, d))
        y += 3.6
    width, height = room(label, where)
    symbology = label.symbology
    shape = codes.shape_of(label.code, symbology)
    module = _module(shape, symbology, min(width, height) if symbology == "qr" else width, per_mm)
    across = shape.width * module
    if symbology == "qr":
        quiet = codes.QUIET_QR * module
        # The printer draws a QR code 10 dots below its origin.
        said.append(f"^FO{d(INSET) + quiet},{max(0, d(y) + quiet - 10)}^BQN,2,{module}{_field('MA,' + label.code)}")
        x, wide = INSET + across / per_mm + 1.5, wide - across / per_mm - 1.5
        if not label.tone:
            said += [_text(label.head, x, y, 2.8, wide, d), _text(label.aside, x, y + 3.6, 2.8, wide, d)]
            y += 7.2
    else:
        left = d(INSET) + max(0, (d(wide) - across) // 2) + codes.QUIET_BARS * module
        bars = f"^FO{left},{d(y)}^BY{module}^BCN,{d(height)},N,N,N,N"
        said.append(bars + _field(invocation(label.code, symbology)))
        x, y = INSET, y + height + 0.8
    mark = min(14.0, wide * 0.3) if again else 0.0
    said.append(_text(label.read_as, x, y, 3.4, wide - mark, d, whole=True))
    if again:
        said.append(_text(again, x + wide - mark, y, 2.8, mark, d))
    for number, line in enumerate(label.lines):
        said.append(_text(line, x, y + 4.2 + 3.2 * number, 2.6, wide, d))
    return "\n".join([*filter(None, said), "^PQ1", "^XZ", ""]).encode("ascii")


def invocation(text: str, symbology: codes.Symbology) -> str:
    """The characters of a Code 128 as `^BC` takes them, each set named: sets A and C by pairs of digits."""
    start, *values = codes.characters(text, symbology)
    said, held = _STARTS[start], _SETS[start]
    for value in values:
        if value == 102:
            said += _MOVES[value]
        elif value in _SETS and not (held == "C" and value < 100) and _SETS[value] != held:
            said, held = said + _MOVES[value], _SETS[value]
        elif held == "B":
            said += ">0" if chr(value + 32) == ">" else chr(value + 32)
        else:
            said += f"{value:02}"
    return said


def _module(shape: codes.Shape, symbology: codes.Symbology, width: float, per_mm: int) -> int:
    found = codes.dots(shape, symbology, width)
    assert found is not None  # `unfit` has looked
    return int(found * codes.DOT * per_mm)


def _field(text: str) -> str:
    """Field data; everything but letters, digits and blanks as `_XX` of its UTF-8 bytes."""
    data = text.encode("utf-8")
    safe = "".join(chr(b) if _SAFE.match(bytes([b])) else f"_{b:02X}" for b in data)
    return f"^FH_^FD{safe}^FS"


def _text(
    text: str,
    x: float,
    y: float,
    high: float,
    wide: float,
    d: Callable[[float], int],
    *,
    reverse: bool = False,
    whole: bool = False,
) -> str:
    """A line that fits: smaller by a third at most, then cut; one that is needed `whole` gets narrower instead."""
    if not text:
        return ""
    fits = wide / (_GLYPH * len(text))
    size, narrow = min(high, max(fits, high * 2 / 3)), ""
    if fits < size:
        if whole:
            narrow = f",{max(1, d(fits))}"
        else:
            text = text[: max(1, int(wide / (_GLYPH * size)) - 1)] + "…"
    return f"^FO{d(x)},{d(y)}^A0N,{d(size)}{narrow or f',{d(size)}'}{'^FR' if reverse else ''}{_field(text)}"
