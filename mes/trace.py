"""Everything that is kept of one unit, as one frozen value: the page, the export and the dossier say what stands here.

Reads rows, and the ledger's where no row keeps it (test runs, looks, repairs), and judges nothing. No operator stands
in it: what a unit went through is its own history, and no one's. Where it came from and went to: `mes.trace_chain`.

Source: ISO 9001:2015, 8.5.2 (traceability), 8.6 (evidence of conformity), 7.1.5.2 (traceable measurement).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import revisions, trace_chain, wire
from mes.db.tables import (
    Instrument,
    Ledger,
    MeasuredWith,
    PlanRevision,
    Reading,
    UnitEvent,
    UnitRow,
    Visit,
    WorkOrder,
)
from mes.domain.measurement import convert
from mes.domain.route import Plan, Product, Step
from mes.genealogy import Part, every, parts_of
from mes.trace_chain import Boxed, Decision, Deviation, Origin, Printed, Released
from mes.verdicts import Entry

Did = Literal["tested", "inspected", "repaired", "disqualified"]
_DID: Final[Mapping[str, Did]] = {
    "UnitsTested": "tested",
    "UnitsInspected": "inspected",
    "UnitsRepaired": "repaired",
    "UnitsDisqualified": "disqualified",
}


@dataclass(frozen=True, slots=True)
class Stay:
    """One visit of the unit to a step; `result` is None until it has ended."""

    step: str
    visit: int
    station: str
    started_at: str
    ended_at: str | None
    result: str | None


@dataclass(frozen=True, slots=True)
class Value:
    """One reading of a test run, in the unit of measure of the limits that it was judged by.

    `instrument` is what the instrument says of itself, `device` its number in the register.
    """

    test: str
    outcome: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    attempt: int
    device: str
    serial: str
    instrument: str
    calibration_due: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to the unit or found of it. `text` is what was written of a repair or of a rejection."""

    at: str
    did: Did
    step: str
    visit: int
    station: str
    outcome: str
    held: bool
    values: tuple[Value, ...] = ()
    defects: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series."""

    at: str
    value: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one test, the oldest first: the samples of a visit, or one value a run (`visit` is 0 then)."""

    step: str
    visit: int
    test: str
    unit: str
    low: float | None
    high: float | None
    points: tuple[Point, ...]

    @property
    def measured(self) -> tuple[float, ...]:
        """The values that are numbers."""
        return tuple(p.value for p in self.points if p.value is not None)

    @property
    def out(self) -> int:
        """How many were beyond the limits."""
        return sum(p.outcome == "failed" for p in self.points)


@dataclass(frozen=True, slots=True)
class Tool:
    """An instrument that has measured the unit; `family` and what follows are empty where the register has none."""

    device: str
    serial: str
    family: str
    model: str
    calibration_due: str
    unfit: bool


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that is kept of a unit. `facts_at` is when the last of it happened."""

    serial: str
    product: str
    state: str
    step: str
    station: str
    order: str
    reference: str
    customer: str
    order_state: str
    due: str
    revision: int
    plan_hash: str
    facts_at: str
    stays: tuple[Stay, ...]
    parts: tuple[Part, ...]
    events: tuple[Event, ...]
    samples: tuple[Series, ...]
    tools: tuple[Tool, ...]
    deviations: tuple[Deviation, ...]
    decisions: tuple[Decision, ...]
    origins: tuple[Origin, ...]
    boxed: tuple[Boxed, ...]
    released: Released | None
    printed: tuple[Printed, ...]
    plan: Plan | None = field(repr=False, compare=False)

    @property
    def made(self) -> Product | None:
        """What it is, as the plan of its order says; None where that plan does not know it."""
        return self.plan.product(self.product) if self.plan else None

    @property
    def repeated(self) -> tuple[Series, ...]:
        """Tests that were run more than once: their value in each run."""
        return tuple(_repeated(self.events))

    def every_part(self) -> Iterator[Part]:
        """All components, each followed by its own."""
        return every(self.parts)


def dossier(session: Session, serial: str) -> Dossier | None:
    """Everything that is kept of a unit; None where there is no such unit."""
    unit = session.get(UnitRow, serial)
    if unit is None:
        return None
    order = session.get(WorkOrder, unit.order)
    pinned = session.get(PlanRevision, order.revision) if order else None
    plan = revisions.plan_of(session, pinned.revision, pinned.hash) if pinned else revisions.latest_plan(session)
    product = plan.product(unit.product) if plan else None
    stays = _stays(session, serial)
    events = _events(session, serial, product, stays)
    parts = parts_of(session, serial)
    deviations, decided = trace_chain.deviations(session, serial), trace_chain.decisions(session, serial)
    boxed, released = trace_chain.boxed(session, serial), trace_chain.released(session, serial)
    printed = trace_chain.printed(session, unit, boxed)
    samples = _samples(session, serial, product)
    happened = [
        unit.since,
        *(t for s in stays for t in (s.started_at, s.ended_at)),
        *(e.at for e in events),
        *(t for p in every(parts) for t in (p.installed_at, p.removed_at)),
        *(t for d in deviations for t in (d.opened_at, d.contained_at, d.analysed_at, d.decided_at, d.closed_at)),
        *(t for d in decided for t in (d.decided_at, d.verified_at)),
        *(t for b in boxed for t in (b.packed_at, b.removed_at, *(m.at for m in b.moments))),
        *((released.released_at, released.back_at) if released else ()),
        *(p.printed_at for p in printed),
        *(s.points[-1].at for s in samples),
    ]
    return Dossier(
        serial=serial,
        product=unit.product,
        state="held" if unit.nc and unit.state != "scrapped" else unit.state,
        step=unit.step,
        station=unit.station or "",
        order=unit.order,
        reference=order.reference if order else "",
        customer=order.customer if order else "",
        order_state=order.state if order else "",
        due=(order.due or "") if order else "",
        revision=order.revision if order else 0,
        plan_hash=pinned.hash if pinned else "",
        facts_at=max(t for t in happened if t),
        stays=stays,
        parts=parts,
        events=events,
        samples=samples,
        tools=_tools(session, serial),
        deviations=deviations,
        decisions=decided,
        origins=trace_chain.origins(session, parts),
        boxed=boxed,
        released=released,
        printed=printed,
        plan=plan,
    )


def _stays(session: Session, serial: str) -> tuple[Stay, ...]:
    rows = session.scalars(select(Visit).where(Visit.unit == serial).order_by(Visit.started_at, Visit.n))
    return tuple(Stay(v.step, v.visit, v.station, v.started_at, v.ended_at, v.result) for v in rows)


def _events(session: Session, serial: str, product: Product | None, stays: tuple[Stay, ...]) -> tuple[Event, ...]:
    query = (
        select(Ledger)
        .join(UnitEvent, UnitEvent.event_id == Ledger.event_id)
        .where(UnitEvent.unit == serial)
        .order_by(UnitEvent.n)
    )
    found = [_event(row, product, stays) for row in session.scalars(query)]
    return tuple(sorted(found, key=lambda e: e.at))


def _event(row: Ledger, product: Product | None, stays: tuple[Stay, ...]) -> Event:
    body: Any = wire.FLOOR_KINDS[row.kind, row.v].model_validate_json(row.body)
    at = Entry.occurred(row.captured_at, row.received_at, row.offset_ms)
    step = product.step(body.step) if product else None
    return Event(
        at=at,
        did=_DID[row.kind],
        step=body.step,
        visit=_visit(stays, body.step, at),
        station=row.station or "",
        outcome=str(getattr(body, "outcome", "") or getattr(body, "result", "")),
        held=row.verdict == "held",
        values=tuple(_value(m, step) for m in getattr(body, "tests", ())),
        defects=tuple(getattr(body, "defects", ())),
        text=getattr(body, "text", "") or getattr(body, "reason", ""),
    )


def _visit(stays: tuple[Stay, ...], step: str, at: str) -> int:
    """The visit of a step that was the last one to begin by then; 0 where it had not been there."""
    mine = [s for s in stays if s.step == step]
    i = bisect_right([s.started_at for s in mine], at)
    return mine[i - 1].visit if i else 0


def _value(m: wire.Measurement, step: Step | None) -> Value:
    """A reading, in the plan's unit of measure where the plan has the test: by its limits it was judged."""
    test = next((t for t in step.tests if t.id == m.test), None) if step else None
    value = m.value
    if test is not None and value is not None:
        value = convert(value, m.unit or test.unit, test.unit)
    return Value(
        test=m.test,
        outcome=m.outcome,
        value=value,
        unit=test.unit if test else m.unit or "",
        low=test.low if test else m.low,
        high=test.high if test else m.high,
        attempt=m.attempt,
        device=m.device or "",
        serial=m.serial or "",
        instrument=m.instrument or "",
        calibration_due=m.calibration_due or "",
    )


def _repeated(events: Iterable[Event]) -> Iterator[Series]:
    by_test: dict[tuple[str, str], list[tuple[str, Value]]] = defaultdict(list)
    for event in events:
        for value in event.values:
            by_test[event.step, value.test].append((event.at, value))
    for (step, test), found in by_test.items():
        if sum(v.value is not None for _, v in found) > 1:
            last = found[-1][1]
            points = tuple(Point(at, v.value, v.outcome) for at, v in found)
            yield Series(step, 0, test, last.unit, last.low, last.high, points)


def _samples(session: Session, serial: str, product: Product | None) -> tuple[Series, ...]:
    rows = session.scalars(select(Reading).where(Reading.unit == serial).order_by(Reading.at, Reading.sample))
    points: dict[tuple[str, int, str], list[Point]] = defaultdict(list)
    for r in rows:
        points[r.step, r.visit, r.test].append(Point(r.at, r.value, r.outcome))
    made = []
    for (step_id, visit, test_id), found in points.items():
        step = product.step(step_id) if product else None
        test = next((t for t in step.tests if t.id == test_id), None) if step else None
        low, high, unit = (test.low, test.high, test.unit) if test else (None, None, "")
        made.append(Series(step_id, visit, test_id, unit, low, high, tuple(found)))
    return tuple(made)


def _tools(session: Session, serial: str) -> tuple[Tool, ...]:
    """The instruments that have measured it, by number, with what the bench said of each at the last measurement."""
    m = MeasuredWith
    rows = session.execute(
        select(m.device, m.serial, m.fitness, m.event_id).where(m.unit == serial).order_by(m.at, m.event_id)
    ).all()
    last = {r.device: r for r in rows}
    unfit = {r.device for r in rows if r.fitness}
    known = {r.id: r for r in session.scalars(select(Instrument).where(Instrument.id.in_(last)))}
    bodies = select(Ledger.event_id, Ledger.body).where(Ledger.event_id.in_({r.event_id for r in last.values()}))
    said = {event_id: json.loads(body) for event_id, body in session.execute(bodies)}
    return tuple(
        Tool(
            device=device,
            serial=row.serial,
            family=known[device].family if device in known else "",
            model=known[device].model if device in known else "",
            calibration_due=_due(said.get(row.event_id, {}), device),
            unfit=device in unfit,
        )
        for device, row in sorted(last.items())
    )


def _due(body: Mapping[str, Any], device: str) -> str:
    named = (m for m in body.get("tests") or body.get("readings") or () if m.get("device") == device)
    return next((m["calibration_due"] for m in named if m.get("calibration_due")), "")
