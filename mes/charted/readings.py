"""Charts of readings: the first reading of each visit that judged the unit, alone or in groups of some in a row.

A visit counts with its first run that judged the unit: a retest is no new piece, and an error of the bench says nothing
of the unit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes.charted.asked import MOST, Made, Phase, Sample, Wanted, joined
from mes.db.base import utc_text
from mes.db.tables import Ledger, UnitEvent, Visit
from mes.domain.capability import Limits, capability
from mes.domain.measurement import convert, is_measurement
from mes.domain.route import Plan, Test
from mes.domain.spc import groups, individuals
from mes.domain.spc_rules import signals
from mes.domain.spc_watch import Read
from mes.verdicts import Entry
from mes.yielded.periods import midnight

CHUNK: Final = 300


def readings(session: Session, plan: Plan, wanted: Wanted, test: Test, since: date, until: date) -> list[Read]:
    """The first reading of each visit that ended in these days, the oldest first; `MOST` of the latest at most."""
    zone = ZoneInfo(plan.plant.timezone)
    first, last = midnight(since, zone), midnight(until + timedelta(days=1), zone)
    visits = session.execute(
        select(Visit.unit, Visit.visit, Visit.started_at, Visit.ended_at)
        .where(Visit.step == wanted.step, Visit.product == wanted.product)
        .where(Visit.ended_at >= utc_text(first), Visit.ended_at < utc_text(last))
        .order_by(Visit.ended_at.desc(), Visit.unit)
        .limit(MOST)
    ).all()
    runs: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    units = list(dict.fromkeys(v.unit for v in visits))
    for i in range(0, len(units), CHUNK):
        told = session.execute(
            select(UnitEvent.unit, Ledger.captured_at, Ledger.received_at, Ledger.offset_ms, Ledger.body)
            .join(Ledger, Ledger.event_id == UnitEvent.event_id)
            .where(UnitEvent.unit.in_(units[i : i + CHUNK]), Ledger.kind == "UnitsTested")
            .order_by(UnitEvent.n)
        )
        for unit, captured, received, offset, body in told:
            said = json.loads(body)
            if said["step"] == wanted.step and said["outcome"] in ("passed", "failed"):
                runs.setdefault(unit, []).append((Entry.occurred(captured, received, offset), said))
    found = [r for v in reversed(visits) if (r := _first(v, runs.get(v.unit, ()), test)) is not None]
    return sorted(found, key=lambda r: r.at)


def _first(visit: Any, runs: Sequence[tuple[str, dict[str, Any]]], test: Test) -> Read | None:
    for at, said in runs:
        if visit.started_at <= at <= visit.ended_at:
            for m in reversed(said["tests"]):  # of several askings the last one has judged
                value = m.get("value")
                if m["test"] == test.id and value is not None and is_measurement(value):
                    shown = convert(value, m.get("unit") or test.unit, test.unit)
                    return None if shown is None else Read(visit.unit, visit.visit, at, shown)
            return None
    return None


def made(session: Session, plan: Plan, wanted: Wanted) -> Made:
    """The chart.

    Raises:
        CannotChart: too few values for limits, or none in phase I.
    """
    product = plan.product(wanted.product)
    step = product.step(wanted.step) if product else None
    test = next((t for t in step.tests if t.id == wanted.test), None) if step else None
    phases, left_over = _phases(session, plan, wanted, test) if test else ([], 0)
    samples, base = joined(wanted, phases)
    values = [tuple(r.value for r in s.reads) for s in samples]
    how: Any = wanted.estimator
    if wanted.kind == "i-mr":
        study = individuals([v[0] for v in values], baseline=base, estimator=how or "mr")
    else:
        spread: Any = wanted.kind.removeprefix("xbar-")
        study = groups(values, spread=spread, baseline=base, estimator=how or None)
    charts = (study.location, study.spread)
    found = [signals(c) for c in charts]
    against = [s for some in found for s in some if base.intersection(s.marked)]
    able = None
    if test is not None and (test.low is not None or test.high is not None):
        known = [v for i in sorted(base) for v in values[i]]
        able = capability(known, Limits(test.low, test.high), study.sigma, signals=against)
    return Made(samples, charts, found, base, study, able, left_over)


def _phases(session: Session, plan: Plan, wanted: Wanted, test: Test) -> tuple[list[Phase], int]:
    """The readings in groups, those of phase I apart: no group is half of one and half of the other."""
    shown = readings(session, plan, wanted, test, wanted.since, wanted.until)
    parts = [(shown, False)]
    if wanted.phase_one is not None:
        usual = readings(session, plan, wanted, test, *wanted.phase_one)
        known = {(r.unit, r.visit) for r in usual}
        others = [r for r in shown if (r.unit, r.visit) not in known]
        begun = usual[0].at if usual else ""
        parts = [
            ([r for r in others if r.at < begun], False),
            (usual, True),
            ([r for r in others if r.at >= begun], False),
        ]
    size = 1 if wanted.kind == "i-mr" else wanted.size
    phases, left_over = [], 0
    for reads, limits in parts:
        whole = len(reads) // size
        left_over += len(reads) - whole * size
        samples = [Sample(reads[i * size].unit, tuple(reads[i * size : (i + 1) * size])) for i in range(whole)]
        phases.append(Phase(samples, limits=limits))
    return phases, left_over
