"""Drawings of a unit's history as SVG: what is in it, its way through the stations, a series of readings.

The same drawing stands on a page and on paper. What a colour would say, a shape, a dash or a word says too, so that
it is legible in black and white; there is neither script nor style in it. It knows no table, no plan and no language:
the caller gives the words, and says the same in text beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from itertools import pairwise
from typing import Final, Literal

INK: Final = "#17211f"
SOFT: Final = "#4a5552"
LINE: Final = "#8b9490"
FONT: Final = "DejaVu Sans Mono, Atkinson Hyperlegible, sans-serif"  # the first is the one that typst carries
_ROOM: Final = 8.0


@dataclass(frozen=True, slots=True)
class Value:
    """One point or bar: what stands under it, how high it is (None: nothing there), how that is said, and where it
    leads. `bad`: it is marked in the drawing.
    """

    label: str
    y: float | None
    said: str = ""
    href: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line that goes with the points: a limit, the edge of a band, a share. `share`: from 0 to 1, by its own axis."""

    name: str
    y: tuple[float | None, ...]
    dashed: bool = True
    share: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """What a drawing shows, in order. `percent`: the values are shares from 0 to 1."""

    kind: Literal["points", "bars"]
    alt: str
    values: tuple[Value, ...]
    lines: tuple[Line, ...] = ()
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG text, and its size in its own units; `values`: what it shows, for a page that looks closer."""

    svg: str
    width: float
    height: float
    values: Values | None = None

    def __html__(self) -> str:
        """The drawing in a page: every text in it was escaped when it was drawn."""
        if self.values is None:
            return self.svg
        said = escape(json.dumps(asdict(self.values), ensure_ascii=False, separators=(",", ":")))
        return f'{self.svg}<template data-closer="{said}"></template>'


@dataclass(frozen=True, slots=True)
class Box:
    """Something that contains something: two short lines, and what is in it. `out`: it was taken out again."""

    title: str
    line: str
    inside: tuple[Box, ...] = ()
    out: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit: in which row (a station), what stands under it, and how it ended: `passed`, `failed` or `open`."""

    row: int
    label: str
    below: str
    ended: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over time: seconds since the first, and whether each is good. The labels are the caller’s words."""

    at: tuple[float, ...]
    values: tuple[float, ...]
    good: tuple[bool, ...]
    low: float | None
    high: float | None
    low_label: str
    high_label: str
    first: str
    last: str
    joined: bool = True


def svg(width: float, height: float, body: Iterable[str], alt: str, *, values: Values | None = None) -> Drawing:
    """A drawing of these pieces; `alt` is read out instead of it."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(alt)}" font-family="{FONT}" font-size="12">'
    )
    return Drawing(head + "".join(body) + "</svg>", width, height, values)


def lettering(x: float, y: float, said: str, *, most: int = 99, more: str = "") -> str:
    """A short text, cut where it has more than `most` characters; `more` are further attributes."""
    shown = said if len(said) <= most else said[: most - 1] + "…"
    return f'<text x="{x:g}" y="{y:g}" fill="{INK}"{more}>{escape(shown)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, more: str = "") -> str:
    """A straight line; `more` are further attributes."""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" fill="none" stroke="{INK}"{more}/>'


# --- what is in it ----------------------------------------------------------------------------------------------------

_WIDE: Final = 210.0
_HIGH: Final = 40.0
_GAP: Final = 8.0
_NEXT: Final = 46.0
_LETTERS: Final = 26


def parts(root: Box, *, alt: str) -> Drawing:
    """A tree from left to right: the unit, its components, and theirs."""
    body: list[str] = []
    bottom, deepest = _branch(root, 0, 1.0, body)
    width = deepest * (_WIDE + _NEXT) + _WIDE + 2
    return svg(width, bottom + 1, body, alt)


def _branch(box: Box, depth: int, top: float, body: list[str]) -> tuple[float, int]:
    """Draw a box and what is in it from `top` down; returns where it ends, and how deep it goes."""
    below, deepest, middles, x = top, depth, [], 1 + depth * (_WIDE + _NEXT)
    for each in box.inside:
        start = below
        below, deeper = _branch(each, depth + 1, below, body)
        deepest = max(deepest, deeper)
        middles.append((start + _middle(each), each.out))
        below += _GAP
    bottom = max(below - _GAP if box.inside else top, top + _HIGH)
    y = top + _middle(box)
    dash = ' stroke-dasharray="5 4"'
    for middle, out in middles:
        half = x + _WIDE + _NEXT / 2
        body.append(
            f'<path d="M{x + _WIDE:g} {y:g}H{half:g}V{middle:g}H{x + _WIDE + _NEXT:g}" fill="none" '
            f'stroke="{SOFT}"{dash if out else ""}/>'
        )
    thick = ' stroke-width="2.5"' if depth == 0 else ""
    body.append(
        f'<rect x="{x:g}" y="{y - _HIGH / 2:g}" width="{_WIDE:g}" height="{_HIGH:g}" rx="6" fill="#ffffff" '
        f'stroke="{INK}"{thick}{dash if box.out else ""}/>'
    )
    body.append(lettering(x + _ROOM, y - 4, box.title, most=_LETTERS, more=' font-weight="700"'))
    body.append(lettering(x + _ROOM, y + 13, box.line, most=_LETTERS))
    return bottom, deepest


def _height(box: Box) -> float:
    inside = sum(_height(each) + _GAP for each in box.inside) - _GAP if box.inside else 0.0
    return max(inside, _HIGH)


def _middle(box: Box) -> float:
    """How far below its top the middle of a box lies."""
    return _height(box) / 2


# --- its way ----------------------------------------------------------------------------------------------------------

_ROW: Final = 56.0
_STEP: Final = 104.0
_NAMES: Final = 150.0


def way(rows: Sequence[str], stops: Sequence[Stop], *, alt: str) -> Drawing:
    """The way through the stations as a time line: a row a station, one visit after another from left to right."""
    width = _NAMES + _STEP * max(1, len(stops))
    height = _ROW * len(rows) + 4
    body = []
    for i, name in enumerate(rows):
        y = i * _ROW + 22
        body.append(lettering(0, y + 4, name, most=20))
        body.append(f'<path d="M{_NAMES:g} {y:g}H{width:g}" fill="none" stroke="{LINE}" stroke-dasharray="1 5"/>')
    places = [(_NAMES + _STEP * (i + 0.5), s.row * _ROW + 22) for i, s in enumerate(stops)]
    for (x1, y1), (x2, y2) in pairwise(places):
        body.append(line(x1, y1, x2, y2, ' stroke-width="2"'))
    for (x, y), stop in zip(places, stops, strict=True):
        body.append(_mark(x, y, stop.ended))
        middle = ' text-anchor="middle" font-size="10"'
        body.append(lettering(x, y + 22, stop.label, most=18, more=middle))
        body.append(lettering(x, y + 34, stop.below, most=18, more=middle))
    return svg(width, height, body, alt)


def _mark(x: float, y: float, ended: str) -> str:
    """Passed: a full circle; failed: a square with a cross; not ended: an empty circle."""
    if ended == "passed":
        return f'<circle cx="{x:g}" cy="{y:g}" r="7" fill="{INK}"/>'
    if ended == "failed":
        r = 8.0
        cross = f"M{x - 5:g} {y - 5:g}L{x + 5:g} {y + 5:g}M{x + 5:g} {y - 5:g}L{x - 5:g} {y + 5:g}"
        square = f'<rect x="{x - r:g}" y="{y - r:g}" width="{2 * r:g}" height="{2 * r:g}" fill="#ffffff" stroke="{INK}"'
        return f'{square} stroke-width="2"/><path d="{cross}" fill="none" stroke="{INK}" stroke-width="2"/>'
    return f'<circle cx="{x:g}" cy="{y:g}" r="7" fill="#ffffff" stroke="{INK}" stroke-width="2"/>'


# --- a series ---------------------------------------------------------------------------------------------------------

_PLOT: Final = (520.0, 150.0)
_LEFT: Final = 90.0
_FOOT: Final = 22.0


def curve(c: Curve, *, alt: str) -> Drawing:
    """Values over time with their limits as dashed lines; a value beyond them is a cross."""
    (wide, high), top = _PLOT, 10.0
    seen = [*c.values, *(limit for limit in (c.low, c.high) if limit is not None)]
    least, most = min(seen), max(seen)
    spread = (most - least) or abs(most) or 1.0
    least, most = least - spread * 0.08, most + spread * 0.08
    span = (c.at[-1] - c.at[0]) or 1.0

    def x(at: float) -> float:
        return round(_LEFT + (at - c.at[0]) / span * wide, 1) if len(c.at) > 1 else _LEFT + wide / 2

    def y(value: float) -> float:
        return round(top + (most - value) / (most - least) * high, 1)

    body = [
        f'<rect x="{_LEFT:g}" y="{top:g}" width="{wide:g}" height="{high:g}" fill="#ffffff" stroke="{LINE}"/>',
        lettering(_LEFT, top + high + 16, c.first, more=' font-size="10"'),
        lettering(_LEFT + wide, top + high + 16, c.last, more=' font-size="10" text-anchor="end"'),
    ]
    for limit, label in ((c.low, c.low_label), (c.high, c.high_label)):
        if limit is not None:
            body.append(line(_LEFT, y(limit), _LEFT + wide, y(limit), ' stroke-dasharray="7 4"'))
            body.append(lettering(_LEFT - 6, y(limit) + 4, label, more=' font-size="10" text-anchor="end"'))
    places = [(x(at), y(value)) for at, value in zip(c.at, c.values, strict=True)]
    if c.joined and len(places) > 1:
        points = "L".join(f"{px:g} {py:g}" for px, py in _thinned(places))
        body.append(f'<path d="M{points}" fill="none" stroke="{INK}" stroke-width="1.5"/>')
    for (px, py), good in zip(places, c.good, strict=True):
        if not good:
            body.append(f'<path d="M{px - 4:g} {py - 4:g}l8 8m0 -8l-8 8" fill="none" stroke="{INK}" stroke-width="2"/>')
        elif len(places) <= 60:
            body.append(f'<circle cx="{px:g}" cy="{py:g}" r="2.5" fill="{INK}"/>')
    return svg(_LEFT + wide + 10, top + high + _FOOT, body, alt)


def _thinned(places: Sequence[tuple[float, float]], most: int = 1_000) -> Sequence[tuple[float, float]]:
    """A day of samples has more points than the drawing has dots: of each stretch its highest and its lowest."""
    if len(places) <= most:
        return places
    size = math.ceil(len(places) / (most // 2))
    kept: list[tuple[float, float]] = []
    for i in range(0, len(places), size):
        piece = places[i : i + size]
        kept += sorted({min(piece, key=lambda p: p[1]), max(piece, key=lambda p: p[1])})
    return kept


# --- causes -----------------------------------------------------------------------------------------------------------

_BONE: Final = 300.0
_SLANT: Final = 46.0
_CAUSE_ROW: Final = 19.0
_CAUSE: Final = 30
_HEAD: Final = 210.0


@dataclass(frozen=True, slots=True)
class Bone:
    """One family of causes: its name, and each cause with how deep it lies (1: a first answer) and whether it is the
    root."""

    title: str
    causes: tuple[tuple[int, str, bool], ...] = ()


def fishbone(problem: str, bones: Sequence[Bone], *, alt: str) -> Drawing:
    """The causes of a problem by family (Ishikawa's diagram): half of the bones above, half below, the problem at the
    head. A root cause carries a diamond and is underlined.
    """
    half = (len(bones) + 1) // 2
    above, below = bones[:half], bones[half:]
    up, down = _bone_height(above), _bone_height(below)
    spine, end = up + 4, half * _BONE + 20
    body = [f'<path d="M8 {spine:g}H{end:g}" fill="none" stroke="{INK}" stroke-width="3"/>']
    for place, bone in enumerate(above):
        body += _bone(bone, place * _BONE + 8, spine, -up)
    for place, bone in enumerate(below):
        body += _bone(bone, place * _BONE + 8, spine, down)
    lines = _wrapped(problem, 24)[:4]
    top = spine - 12 - 9 * len(lines)
    body.append(
        f'<rect x="{end:g}" y="{top:g}" width="{_HEAD:g}" height="{24 + 18 * len(lines):g}" rx="6" fill="#ffffff" '
        f'stroke="{INK}" stroke-width="2"/>'
    )
    body += [
        lettering(end + 10, top + 26 + 18 * row, line, more=' font-weight="700"') for row, line in enumerate(lines)
    ]
    return svg(end + _HEAD + 4, spine + down + 4, body, alt)


def _bone_height(bones: Sequence[Bone]) -> float:
    return 52 + _CAUSE_ROW * max((len(bone.causes) for bone in bones), default=0)


def _bone(bone: Bone, left: float, spine: float, reach: float) -> list[str]:
    """One bone from its name at the far end to the spine; its causes stand at its side."""
    far = spine + reach
    name = far + (16 if reach < 0 else -6)
    start = far + (22 if reach < 0 else -22)
    body = [
        lettering(left, name, bone.title, more=' font-weight="700"'),
        line(left + 6, start, left + 6 + _SLANT, spine, ' stroke-width="1.5"'),
    ]
    for row, (depth, cause, root) in enumerate(bone.causes):
        y = start + (_CAUSE_ROW * (row + 0.9) if reach < 0 else -_CAUSE_ROW * (len(bone.causes) - row - 0.1))
        on_bone = left + 6 + _SLANT * (y - start) / (spine - start)
        indent = 12.0 * (depth - 1)
        body.append(line(on_bone, y, on_bone + 10 + indent, y))
        said = f"\u25c6 {cause}" if root else cause
        more = ' text-decoration="underline" font-weight="700"' if root else ""
        body.append(lettering(on_bone + 14 + indent, y + 4, said, most=_CAUSE - int(indent / 7), more=more))
    return body


def _wrapped(said: str, most: int) -> list[str]:
    lines: list[str] = []
    for word in said.split():
        if lines and len(lines[-1]) + 1 + len(word) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word[:most])
    return lines or [""]
