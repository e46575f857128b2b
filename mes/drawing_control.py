"""A control chart as SVG: its points in order, centre and limits, and by each point that breaks a rule its number.

As `mes.drawing`: what a colour would say, a shape and a number say. A point beyond a limit is a cross, one that breaks
another rule a ring; points of phase I are filled, later ones are open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mes.domain.spc import Chart
from mes.drawing import INK, LINE, Drawing, Line, Value, Values, lettering, line, svg

_LEFT: Final = 96.0
_WIDE: Final = 680.0
_TALL: Final = 170.0
_TOP: Final = 18.0
_SMALL: Final = ' font-size="10"'


def control(
    chart: Chart,
    marks: Mapping[int, Sequence[int]],
    *,
    alt: str,
    say: Callable[[float], str],
    ends: tuple[str, str],
    places: Sequence[tuple[str, str]] = (),
) -> Drawing:
    """Draw one chart.

    Args:
        marks: by index of a point, the numbers of the rules that are broken there.
        say: a number as the reader writes it.
        ends: what stands under the first and the last point.
        places: of each point its name and its address, for a page that looks closer.
    """
    shown = [p for p in chart.points if p.value is not None]
    seen = [v for p in chart.points if p.limited for v in (p.low, p.high, p.center)] + [p.value or 0.0 for p in shown]
    least, most = min(seen), max(seen)
    spread = (most - least) or abs(most) or 1.0
    least, most = least - 0.08 * spread, most + 0.08 * spread
    count = max(1, len(chart.points) - 1)

    def x(index: float) -> float:
        return round(_LEFT + index / count * _WIDE, 1)

    def y(value: float) -> float:
        return round(_TOP + (most - value) / (most - least) * _TALL, 1)

    body = [f'<rect x="{_LEFT:g}" y="{_TOP:g}" width="{_WIDE:g}" height="{_TALL:g}" fill="#ffffff" stroke="{LINE}"/>']
    for name, dash in (("low", ' stroke-dasharray="7 4"'), ("center", ""), ("high", ' stroke-dasharray="7 4"')):
        limits = [(p.index, getattr(p, name)) for p in chart.points if p.limited]
        body.append(_steps(limits, x, y, f' stroke-width="1"{dash}'))
        if limits:
            last = limits[-1][1]
            body.append(lettering(_LEFT - 6, y(last) + 4, say(last), more=_SMALL + ' text-anchor="end"'))
    path = "L".join(f"{x(p.index)} {y(p.value or 0.0)}" for p in shown)
    if len(shown) > 1:
        body.append(f'<path d="M{path}" fill="none" stroke="{INK}" stroke-width="1.2"/>')
    for p in shown:
        px, py, rules = x(p.index), y(p.value or 0.0), marks.get(p.index, ())
        fill = INK if p.index in chart.baseline else "#ffffff"
        if p.side:
            cross = f"M{px - 5:g} {py - 5:g}l10 10m0 -10l-10 10"
            body.append(f'<path d="{cross}" fill="none" stroke="{INK}" stroke-width="2.4"/>')
        else:
            body.append(f'<circle cx="{px}" cy="{py}" r="2.6" fill="{fill}" stroke="{INK}"/>')
        if rules:
            if not p.side:
                body.append(f'<circle cx="{px}" cy="{py}" r="6.5" fill="none" stroke="{INK}" stroke-width="1.6"/>')
            said = ",".join(map(str, rules))
            body.append(lettering(px, py - 9, said, more=' font-size="11" font-weight="700" text-anchor="middle"'))
    body.append(lettering(_LEFT, _TOP + _TALL + 16, ends[0], more=_SMALL))
    body.append(lettering(_LEFT + _WIDE, _TOP + _TALL + 16, ends[1], more=_SMALL + ' text-anchor="end"'))
    return svg(_LEFT + _WIDE + 14, _TOP + _TALL + 24, body, alt, values=_values(chart, marks, alt, say, places))


def _values(
    chart: Chart,
    marks: Mapping[int, Sequence[int]],
    alt: str,
    say: Callable[[float], str],
    places: Sequence[tuple[str, str]],
) -> Values:
    values = []
    for p in chart.points:
        label, href = places[p.index] if places else (str(p.index + 1), "")
        rules = ", ".join(map(str, marks.get(p.index, ())))
        said = "" if p.value is None else say(p.value) + (f" ({rules})" if rules else "")
        values.append(Value(label, p.value, said, href, bad=bool(p.side or rules)))
    limits = (("UCL", "high", True), ("CL", "center", False), ("LCL", "low", True))
    lines = (
        Line(name, tuple(getattr(p, field) if p.limited else None for p in chart.points), dashed=dashed)
        for name, field, dashed in limits
    )
    return Values("points", alt, tuple(values), tuple(lines))


def _steps(
    limits: Sequence[tuple[int, float]], x: Callable[[float], float], y: Callable[[float], float], more: str
) -> str:
    """A limit over the points: straight, or in steps where samples differ in size."""
    if len({value for _i, value in limits}) <= 1:
        return line(_LEFT, y(limits[0][1]), _LEFT + _WIDE, y(limits[0][1]), more) if limits else ""

    def inside(place: float) -> float:
        return min(max(x(place), _LEFT), _LEFT + _WIDE)

    corners = "L".join(f"{inside(i - 0.5)} {y(value)}L{inside(i + 0.5)} {y(value)}" for i, value in limits)
    return f'<path d="M{corners}" fill="none" stroke="{INK}"{more}/>'
