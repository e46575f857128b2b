"""Names of stretches of time (shifts, days, weeks) and of lines, in the language of the page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from mes.domain import days
from mes.domain.route import Plan


def line_name(plan: Plan, line: str, lang: Any) -> str:
    """A line as the plan calls it; a dash for none."""
    return next((known.name.to(lang) for known in plan.plant.lines if known.id == line), line or "–")


def spell_name(plan: Plan, by: str, key: str, lang: Any) -> str:
    """A stretch by its key: `2026-W48` where `by` is week, else `2026-11-23` or `2026-11-23 morning`."""
    if by == "week":
        return str(_("week %(week)s", week=f"{int(key[6:])} / {key[:4]}"))
    day, _space, shift = key.partition(" ")
    shown = days.said(day)[lang]
    if not shift:
        return shown
    known = next((s.name.to(lang) for s in plan.plant.shifts if s.id == shift), _("outside the shifts"))
    return f"{shown} · {known}"


def lasting(seconds: float) -> str:
    """A duration in the two units that matter: seconds, minutes, hours and minutes, days and hours."""
    if seconds < 60:
        return str(_("%(s)s s", s=round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return str(_("%(m)s min", m=minutes))
    if minutes < 24 * 60:
        return str(_("%(h)s h %(m)s", h=minutes // 60, m=f"{minutes % 60:02}"))
    hours = round(seconds / 3600)
    return str(_("%(d)s d %(h)s h", d=hours // 24, h=hours % 24))
