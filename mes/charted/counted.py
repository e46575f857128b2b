"""Charts of counts: units that failed at the first go (p, np), and defects found at it (c, u), of one step.

A sample is a day or a shift, from the kept sums, or so many units in a row, from their visits. Defects are the failed
tests and the named defects of the first attempt: a unit can have several. Pieces of a counted order have no first
attempt: there the pieces that were lost are counted, of all that were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from mes.charted.asked import MOST, Made, Phase, Sample, Wanted, joined
from mes.db.base import utc_text
from mes.db.tables import Failure, Visit
from mes.domain.route import Plan
from mes.domain.spc_attributes import Counted, counts
from mes.domain.spc_rules import signals
from mes.yielded import By, Question, asked
from mes.yielded.failures import by_stretch
from mes.yielded.periods import midnight

MOST_UNITS: Final = 3_000
"""Units in a row on one chart."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A unit, with how many failed (0 or 1) or how many defects were found on it."""

    unit: str
    found: int
    at: str


def made(session: Session, plan: Plan, wanted: Wanted) -> Made:
    """The chart.

    Raises:
        CannotChart: there is nothing, nothing in phase I, or a c chart of samples that differ.
    """
    by_units = wanted.by == "units"
    phases, left_over = _of_units(session, plan, wanted) if by_units else (_of_time(session, plan, wanted), 0)
    samples, base = joined(wanted, phases)
    kind = cast("Counted", wanted.kind)
    chart = counts(kind, [s.failed for s in samples], [float(s.size) for s in samples], baseline=base)
    return Made(samples, (chart,), (signals(chart),), base, None, None, left_over)


# --- days and shifts --------------------------------------------------------------------------------------------------


def _of_time(session: Session, plan: Plan, wanted: Wanted) -> list[Phase]:
    shown = _stretches(session, plan, wanted, wanted.since, wanted.until)
    if wanted.phase_one is None:
        return [Phase(shown)]
    first, last = wanted.phase_one
    before = [s for s in shown if s.label[:10] < first.isoformat()]
    after = [s for s in shown if s.label[:10] > last.isoformat()]
    return [Phase(before), Phase(_stretches(session, plan, wanted, first, last), limits=True), Phase(after)]


def _stretches(session: Session, plan: Plan, wanted: Wanted, since: date, until: date) -> list[Sample]:
    by: By = "shift" if wanted.by == "shift" else "day"
    since = max(since, until - timedelta(days=MOST - 1))
    question = Question(by=by, since=since, until=until, product=wanted.product, step=wanted.step)
    defects = by_stretch(session, plan, question) if wanted.kind in ("c", "u") else {}
    samples = []
    for row in asked(session, plan, question):
        c = row.counts
        failed = defects.get(row.key, 0) if wanted.kind in ("c", "u") and c.first else c.first - c.first_passed
        samples.append(Sample(row.key, failed=failed + c.scrap, size=c.first + c.good + c.scrap))
    return [s for s in samples if s.size][-MOST:]


# --- units in a row ---------------------------------------------------------------------------------------------------


def _of_units(session: Session, plan: Plan, wanted: Wanted) -> tuple[list[Phase], int]:
    shown = _seen(session, plan, wanted, wanted.since, wanted.until)
    if wanted.phase_one is None:
        parts = [(shown, False)]
    else:
        usual = _seen(session, plan, wanted, *wanted.phase_one)
        known = {s.unit for s in usual}
        others = [s for s in shown if s.unit not in known]
        begun = usual[0].at if usual else ""
        parts = [
            ([s for s in others if s.at < begun], False),
            (usual, True),
            ([s for s in others if s.at >= begun], False),
        ]
    phases, left_over = [], 0
    for some, limits in parts:
        whole = len(some) // wanted.size
        left_over += len(some) - whole * wanted.size
        groups = [some[i * wanted.size : (i + 1) * wanted.size] for i in range(whole)]
        phases.append(Phase([_sample(group) for group in groups], limits=limits))
    return phases, left_over


def _sample(group: Sequence[_Seen]) -> Sample:
    units = tuple(s.unit for s in group)
    return Sample(group[-1].at, failed=sum(s.found for s in group), size=len(group), units=units)


def _seen(session: Session, plan: Plan, wanted: Wanted, since: date, until: date) -> list[_Seen]:
    """The units that were judged for the first time in a visit that ended in these days, the oldest first."""
    zone = ZoneInfo(plan.plant.timezone)
    first, last = utc_text(midnight(since, zone)), utc_text(midnight(until + timedelta(days=1), zone))
    visits = session.execute(
        select(Visit.unit, Visit.failures, Visit.started_at, Visit.ended_at)
        .where(Visit.step == wanted.step, Visit.product == wanted.product, Visit.visit == 1)
        .where(Visit.ended_at >= first, Visit.ended_at < last)
        .where(or_(Visit.failures > 0, Visit.result == "passed"))
        .order_by(Visit.ended_at.desc(), Visit.unit)
        .limit(MOST_UNITS)
    ).all()
    seen = [_Seen(v.unit, int(v.failures > 0), v.ended_at) for v in reversed(visits)]
    if wanted.kind not in ("c", "u") or not visits:
        return seen
    f, begun = Failure, min(v.started_at for v in visits)
    told: Any = session.execute(
        select(f.unit, func.sum(f.found))
        .where(f.product == wanted.product, f.step == wanted.step, f.go == "first", f.at >= begun, f.at < last)
        .group_by(f.unit)
    )
    defects = {unit: int(many) for unit, many in told}
    return [replace(s, found=defects.get(s.unit, 0)) for s in seen]
