"""Control charts of what the benches have measured: the first reading of each visit, or the share that failed by day.

Reads only. A chart shows so many of the latest visits, and costs as much as these. A visit counts with its first run
that judged the unit: a retest is no new piece, and an error of the bench says nothing of the unit. Nobody stands here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes.db.base import utc_text
from mes.db.tables import Ledger, UnitEvent, Visit
from mes.domain.capability import Capability, Limits, capability
from mes.domain.measurement import convert, is_measurement
from mes.domain.route import Plan, Test
from mes.domain.spc import Chart, Study, groups, individuals
from mes.domain.spc_attributes import counts
from mes.domain.spc_rules import Signal, signals
from mes.domain.spc_watch import Read
from mes.verdicts import Entry
from mes.yielded import Question, asked
from mes.yielded.periods import midnight

Kind = Literal["i-mr", "xbar-r", "xbar-s", "p"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MOST: Final = 300
"""Readings, or days, on one chart."""
CHUNK: Final = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to draw. Days are the site's, both included. `size`: readings in a group; `base`: how many of the first
    samples make the limits (phase I), 0: all of them."""

    product: str
    step: str
    test: str
    since: date
    until: date
    kind: Kind = "i-mr"
    size: int = 5
    base: int = 0
    estimator: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What makes one point: some readings, or a day with how many failed (`values`) of how many (`size`)."""

    label: str
    reads: tuple[Read, ...] = ()
    failed: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """A chart with what was found on it. `study` and `able` are of measurements."""

    samples: Sequence[Sample]
    charts: Sequence[Chart]
    found: Sequence[Sequence[Signal]]
    base: frozenset[int]
    study: Study | None
    able: Capability | None
    left_over: int = 0


def readings(session: Session, plan: Plan, wanted: Wanted, test: Test) -> list[Read]:
    """The first reading of each visit that ended in these days, the oldest first; `MOST` of the latest at most."""
    zone = ZoneInfo(plan.plant.timezone)
    first, last = midnight(wanted.since, zone), midnight(wanted.until + timedelta(days=1), zone)
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
        CannotChart: too few values for limits.
    """
    if wanted.kind == "p":
        return _by_day(session, plan, wanted)
    product = plan.product(wanted.product)
    step = product.step(wanted.step) if product else None
    test = next((t for t in step.tests if t.id == wanted.test), None) if step else None
    reads = readings(session, plan, wanted, test) if test else []
    size = 1 if wanted.kind == "i-mr" else wanted.size
    whole = len(reads) // size
    samples = [Sample(reads[i * size].unit, tuple(reads[i * size : (i + 1) * size])) for i in range(whole)]
    base = frozenset(range(min(wanted.base, whole) or whole))
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
    return Made(samples, charts, found, base, study, able, left_over=len(reads) - whole * size)


def _by_day(session: Session, plan: Plan, wanted: Wanted) -> Made:
    since = max(wanted.since, wanted.until - timedelta(days=MOST - 1))
    question = Question(by="day", since=since, until=wanted.until, product=wanted.product, step=wanted.step)
    rows = [r for r in asked(session, plan, question) if r.counts.first]
    samples = [Sample(r.key, failed=r.counts.first - r.counts.first_passed, size=r.counts.first) for r in rows]
    base = frozenset(range(min(wanted.base, len(samples)) or len(samples)))
    chart = counts("p", [s.failed for s in samples], [float(s.size) for s in samples], baseline=base)
    return Made(samples, (chart,), (signals(chart),), base, None, None)
