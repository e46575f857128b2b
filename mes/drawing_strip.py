"""States of stations as strips over a day, as SVG. Each state has a pattern of its own, so it needs no colour.

As `mes.drawing`: no script, no style; the table beside it says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mes.drawing import INK, LINE, SOFT, Drawing, lettering, line, svg

_LEFT: Final = 190.0
_WIDE: Final = 700.0
_ROW: Final = 30.0
_BAR: Final = 18.0
_TOP: Final = 26.0
_EMPTY: Final = f'fill="#ffffff" stroke="{LINE}" stroke-dasharray="3 3"'
"""A strip where nothing is known: no pattern and a dashed border, so that no state looks like it."""
_LETTER: Final = 6.2
_SMALL: Final = ' font-size="10" text-anchor="middle"'

PATTERNS: Final[Mapping[str, str]] = {
    "PRD": f'<rect width="8" height="8" fill="{SOFT}"/>',
    "SBY": '<rect width="8" height="8" fill="#b9c2be"/>',
    "SDT": f'<rect width="8" height="8" fill="#ffffff"/><path d="M0 8L8 0" stroke="{INK}" stroke-width="1.4"/>',
    "ENG": f'<rect width="8" height="8" fill="#ffffff"/><circle cx="4" cy="4" r="1.5" fill="{INK}"/>',
    "USD": f'<rect width="8" height="8" fill="#ffffff"/><path d="M0 0L8 8M0 8L8 0" stroke="{INK}" stroke-width="2"/>',
    "NST": f'<rect width="8" height="8" fill="#ffffff"/><path d="M0 4H8" stroke="{LINE}" stroke-width="1"/>',
}


@dataclass(frozen=True, slots=True)
class Strip:
    """A station: its words, and its states with the share of the day (0 to 1) where each begins and ends."""

    label: str
    pieces: tuple[tuple[str, float, float], ...]


def strips(
    rows: Sequence[Strip],
    *,
    planned: Sequence[tuple[float, float]],
    ticks: Sequence[tuple[float, str]],
    words: Mapping[str, str],
    alt: str,
) -> Drawing:
    """Strips below one another.

    Args:
        planned: stretches in which work was planned, as shares of the day: a thick line over all strips.
        ticks: where a time stands over the strips.
        words: what each state is called, for the legend; other names than those of states stand for an empty strip.
    """
    bottom = _TOP + len(rows) * _ROW
    defs = "".join(
        f'<pattern id="state-{name}" width="8" height="8" patternUnits="userSpaceOnUse">{drawn}</pattern>'
        for name, drawn in PATTERNS.items()
    )
    body = [f"<defs>{defs}</defs>"]
    for at, said in ticks:
        x = _LEFT + at * _WIDE
        body.append(line(x, _TOP - 4, x, bottom, f' stroke-opacity="0.25" stroke="{LINE}"'))
        body.append(lettering(x, 12, said, more=_SMALL))
    for a, b in planned:
        body.append(line(_LEFT + a * _WIDE, _TOP - 4, _LEFT + b * _WIDE, _TOP - 4, ' stroke-width="3"'))
    for n, row in enumerate(rows):
        y = _TOP + 4 + n * _ROW
        body.append(lettering(_LEFT - 8, y + 13, row.label, most=26, more=' text-anchor="end"'))
        body.append(f'<rect x="{_LEFT:g}" y="{y:g}" width="{_WIDE:g}" height="{_BAR:g}" {_EMPTY}/>')
        for state, a, b in row.pieces:
            fill = f"url(#state-{state})" if state in PATTERNS else "#ffffff"
            x, wide = _LEFT + a * _WIDE, max(0.6, (b - a) * _WIDE)
            size = f'x="{x:.1f}" y="{y:g}" width="{wide:.1f}" height="{_BAR:g}"'
            body.append(f'<rect {size} fill="{fill}" stroke="{INK}" stroke-width="0.5"/>')
    x, y = _LEFT, bottom + 8
    for name, said in words.items():
        wide = 46 + _LETTER * len(said)
        if x > _LEFT and x + wide > _LEFT + _WIDE:
            x, y = _LEFT, y + 20
        fill = f'fill="url(#state-{name})" stroke="{INK}"' if name in PATTERNS else _EMPTY
        body.append(f'<rect x="{x:g}" y="{y:g}" width="22" height="12" {fill}/>')
        body.append(lettering(x + 28, y + 10, said, more=' font-size="11"'))
        x += wide
    return svg(_LEFT + _WIDE + 14, y + 20, body, alt)
