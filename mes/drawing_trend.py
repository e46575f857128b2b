"""Shares over time as SVG, with the band in which the true share lies: a point, its whiskers, and dashes for the band.

As `mes.drawing`: legible in black and white, without script or style, and the caller says the same in a table. A point
that stands on few units is open; a full one stands on many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from mes.drawing import INK, LINE, Drawing, Line, Value, Values, lettering, line, svg

_LEFT: Final = 56.0
_WIDE: Final = 700.0
_TALL: Final = 170.0
_TOP: Final = 24.0
_BAND: Final = "#e4e9e7"
_HALO: Final = ' stroke="#ffffff" stroke-width="4" paint-order="stroke"'
"""What is said stays legible where a line goes through it."""
_LETTER: Final = 6.0
"""How wide a small letter is: where what is said does not fit beside its neighbour, only some of it is said."""
_WHISKERS: Final = 60
"""More points than these stand so close that their whiskers would be one grey field."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One stretch of time: its name, the share (0 to 1) with its bounds, how that is said, and whether few make it.

    Without a share (None) nothing is drawn there, and the line is broken.
    """

    label: str
    value: float | None
    low: float = 0.0
    high: float = 1.0
    said: str = ""
    few: bool = False


def trend(marks: Sequence[Mark], *, alt: str) -> Drawing:
    """Draw the shares, the oldest on the left."""
    floor = min((int(m.low * 10) / 10 for m in marks if m.value is not None), default=0.0)
    floor = min(floor, 0.9)
    step = _WIDE / max(1, len(marks))

    def x(place: float) -> float:
        return round(_LEFT + (place + 0.5) * step, 1)

    def y(share: float) -> float:
        return round(_TOP + (1 - share) / (1 - floor) * _TALL, 1)

    body = _grid(floor, y)
    for known, some in groupby(enumerate(marks), key=lambda pair: pair[1].value is not None):
        if known:
            body += _stretch(list(some), x, y)
    shown = [(i, m) for i, m in enumerate(marks) if m.value is not None]
    widest = max((len(m.said) for _i, m in shown), default=0) * _LETTER
    least = min(shown, key=lambda pair: pair[1].value or 0, default=None)
    named = max((len(m.label) for m in marks), default=0) * _LETTER + 8
    every = max(1, -int(-named // step))
    small = ' font-size="10" text-anchor="middle"'
    for i, m in shown:
        if len(shown) <= _WHISKERS:
            body.append(line(x(i), y(m.low), x(i), y(m.high)))
            body += [line(x(i) - 3, y(end), x(i) + 3, y(end)) for end in (m.low, m.high)]
        fill = "#ffffff" if m.few else INK
        body.append(f'<circle cx="{x(i):g}" cy="{y(m.value or 0):g}" r="3.5" fill="{fill}" stroke="{INK}"/>')
        if widest <= step or (i, m) == least:
            body.append(lettering(x(i), y(m.high) - 6, m.said, more=f"{small}{_HALO}"))
    for i, m in enumerate(marks):
        if i % every == 0:
            body.append(lettering(x(i), _TOP + _TALL + 16, m.label, more=small))
    values = tuple(Value(m.label, m.value, m.said) for m in marks)
    upper = tuple(m.high if m.value is not None else None for m in marks)
    lower = tuple(m.low if m.value is not None else None for m in marks)
    edges = (("↑", upper), ("↓", lower))
    lines = tuple(Line(name, edge) for name, edge in edges)
    seen = Values("points", alt, values, lines, percent=True)
    return svg(_LEFT + _WIDE + 10, _TOP + _TALL + 24, body, alt, values=seen)


def _grid(floor: float, y: Callable[[float], float]) -> list[str]:
    high = f'height="{_TALL:g}" fill="#ffffff" stroke="{LINE}"'
    body = [f'<rect x="{_LEFT:g}" y="{_TOP:g}" width="{_WIDE:g}" {high}/>']
    wide = round((1 - floor) * 100)
    for percent in range(round(floor * 100), 101, 20 if wide > 50 else 10 if wide > 20 else 5):
        at = y(percent / 100)
        body.append(f'<path d="M{_LEFT:g} {at:g}h{_WIDE:g}" stroke="{LINE}" stroke-dasharray="1 5"/>')
        body.append(lettering(_LEFT - 6, at + 4, f"{percent} %", more=' font-size="10" text-anchor="end"'))
    return body


def _stretch(some: Sequence[tuple[int, Mark]], x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    """The band and the line of stretches that follow one another."""
    upper = [f"{x(i):g} {y(m.high):g}" for i, m in some]
    lower = [f"{x(i):g} {y(m.low):g}" for i, m in some]
    middle = [f"{x(i):g} {y(m.value or 0):g}" for i, m in some]
    if len(some) < 2:
        return []
    dashes = f'fill="none" stroke="{INK}" stroke-dasharray="5 4"'
    return [
        f'<path d="M{"L".join(upper)}L{"L".join(reversed(lower))}Z" fill="{_BAND}"/>',
        f'<path d="M{"L".join(upper)}" {dashes}/>',
        f'<path d="M{"L".join(lower)}" {dashes}/>',
        f'<path d="M{"L".join(middle)}" fill="none" stroke="{INK}" stroke-width="1.5"/>',
    ]
