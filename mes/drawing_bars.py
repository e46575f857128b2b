"""Bars as SVG: the few causes that make the most of it, with the share that they come to together; columns over time.

As `mes.drawing`: legible in black and white, without script or style, and the caller says the same in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mes.drawing import INK, LINE, SOFT, Drawing, Line, Value, Values, lettering, line, svg

_LABEL: Final = 230.0
_WIDE: Final = 420.0
_SAID: Final = 110.0
_ROW: Final = 24.0
_LETTERS: Final = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its words, its length, what is said behind it, the share of all up to here (0 to 1), its address."""

    label: str
    value: float
    said: str
    share: float
    href: str = ""


def ranked(bars: Sequence[Bar], *, alt: str) -> Drawing:
    """Bars below one another, the longest first, and a line of what they come to together; dashes mark 80 percent."""
    longest = max((b.value for b in bars), default=0) or 1
    high = len(bars) * _ROW
    body = [line(_LABEL + 0.8 * _WIDE, 2, _LABEL + 0.8 * _WIDE, high + 4, f' stroke="{LINE}" stroke-dasharray="4 4"')]
    body.append(lettering(_LABEL + 0.8 * _WIDE, high + 18, "80 %", more=' font-size="10" text-anchor="middle"'))
    places = []
    for n, bar in enumerate(bars):
        y = 4 + n * _ROW
        width = max(1.0, bar.value / longest * _WIDE) if bar.value else 0
        body.append(lettering(_LABEL - 8, y + 13, bar.label, most=_LETTERS, more=' text-anchor="end"'))
        body.append(f'<rect x="{_LABEL:g}" y="{y:g}" width="{width:.1f}" height="{_ROW - 8:g}" fill="{SOFT}"/>')
        body.append(lettering(_LABEL + _WIDE + 10, y + 13, bar.said))
        places.append((_LABEL + bar.share * _WIDE, y + (_ROW - 8) / 2))
    points = "L".join(f"{x:.1f} {y:g}" for x, y in places)
    if len(places) > 1:
        body.append(f'<path d="M{points}" fill="none" stroke="#ffffff" stroke-width="4"/>')
        body.append(f'<path d="M{points}" fill="none" stroke="{INK}" stroke-width="1.5"/>')
    body += [
        f'<circle cx="{x:.1f}" cy="{y:g}" r="4" fill="#ffffff" stroke="{INK}" stroke-width="2"/>' for x, y in places
    ]
    values = tuple(Value(b.label, b.value, b.said, b.href) for b in bars)
    shares = Line("%", tuple(b.share for b in bars), dashed=False, share=True)
    return svg(_LABEL + _WIDE + _SAID, high + 24, body, alt, values=Values("bars", alt, values, (shares,)))


_TALL: Final = 130.0
_PLOT: Final = 700.0
_LEFT: Final = 46.0


@dataclass(frozen=True, slots=True)
class Column:
    """One stretch of time: what stands under it, how much there was, and what is said over it."""

    label: str
    value: float
    said: str


def columns(stretches: Sequence[Column], *, alt: str) -> Drawing:
    """Columns side by side, the oldest on the left; where there are many, only some are named."""
    most = max((c.value for c in stretches), default=0) or 1
    step = _PLOT / max(1, len(stretches))
    every = max(1, round(80 / step))
    body = [line(_LEFT, 20 + _TALL, _LEFT + _PLOT, 20 + _TALL, f' stroke="{LINE}"')]
    for n, column in enumerate(stretches):
        high = column.value / most * _TALL
        x, wide = _LEFT + n * step, max(2.0, step * 0.7)
        body.append(
            f'<rect x="{x:.1f}" y="{20 + _TALL - high:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{SOFT}"/>'
        )
        middle = ' font-size="10" text-anchor="middle"'
        if step >= 26 or column.value == most:
            body.append(lettering(x + wide / 2, 16 + _TALL - high, column.said, more=middle))
        if n % every == 0:
            body.append(lettering(x + wide / 2, 36 + _TALL, column.label, more=middle))
    values = tuple(Value(c.label, c.value, c.said) for c in stretches)
    return svg(_LEFT + _PLOT + 10, 44 + _TALL, body, alt, values=Values("bars", alt, values))
