"""The register of instruments, folded: what the office says of them, and what a test run says that they have measured.

The same contract as `mes.fold`: values from the entry only; a request that may not be changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from mes import wire
from mes.domain import calibration
from mes.domain.calibration import Instrument
from mes.domain.days import day_at
from mes.domain.gate import Answer
from mes.domain.route import Plan
from mes.rows import CalibrationRow, InstrumentRow, MeasuredWithRow
from mes.verdicts import Entry, Judged, no, yes
from mes.world import World

# --- what people do ---------------------------------------------------------------------------------------------------


def _describe(world: World, entry: Entry, body: wire.InstrumentDescribed) -> Judged:
    known = world.instruments.get(body.instrument)
    what = body.model_dump(exclude={"instrument"})
    if entry.kind == "InstrumentChanged":
        if known is None:
            return no(entry, "unknown_instrument", instrument=body.instrument)
        world.instruments.put(replace(known, **what))
        return yes(entry, instrument=body.instrument)
    if known is not None:
        return no(entry, "instrument_exists", instrument=body.instrument)
    world.instruments.put(
        InstrumentRow(
            id=body.instrument,
            **what,
            state="in_use",
            retired_on=None,
            returned_on=None,
            why="",
            calibrations=0,
            done=None,
            due=None,
            result=None,
            registered_at=entry.at,
        )
    )
    return yes(entry, instrument=body.instrument)


def _calibrated(world: World, entry: Entry, body: wire.InstrumentCalibrated) -> Judged:
    row = world.instruments.get(body.instrument)
    if row is None:
        return no(entry, "unknown_instrument", instrument=body.instrument)
    today = world.day(entry.at)
    if body.done > today:
        return no(entry, "calibration_future")
    if (body.result == "good") != (body.due is not None) or (body.due is not None and body.due <= body.done):
        return no(entry, "calibration_due")
    number = row.calibrations + 1
    file = body.file
    made = CalibrationRow(
        instrument=row.id,
        number=number,
        done=body.done,
        due=body.due,
        result=body.result,
        supplier=body.supplier or row.supplier,
        certificate=body.certificate,
        file_sha256=file.sha256 if file else None,
        file_name=file.name if file else "",
        file_size=file.size if file else 0,
        file_type=file.type if file else "",
        note=body.note,
        recorded_at=entry.at,
    )
    world.calibrations.put(made)
    history = [made, *world.calibrations_of(row)]
    last = calibration.in_force((c.rule for c in history), today)
    assert last is not None  # this one was done by today
    world.instruments.put(replace(row, calibrations=number, done=last.done, due=last.due, result=last.result))
    return yes(entry, instrument=row.id, number=number, due=body.due)


def _moved(world: World, entry: Entry, body: wire.InstrumentMoved) -> Judged:
    row = world.instruments.get(body.instrument)
    if row is None:
        return no(entry, "unknown_instrument", instrument=body.instrument)
    out = entry.kind == "InstrumentRetired"
    if out == (row.state == "retired"):
        return no(entry, "instrument_out" if out else "instrument_in", instrument=row.id)
    today = world.day(entry.at)
    if out:
        world.instruments.put(replace(row, state="retired", retired_on=today, returned_on=None, why=body.why))
    else:
        world.instruments.put(replace(row, state="in_use", returned_on=today, why=body.why))
    return yes(entry, instrument=row.id)


def _exported(world: World, entry: Entry, body: wire.MeasuredUnitsExported) -> Judged:
    """The row says that it happened."""
    return yes(entry, instrument=body.instrument, rows=body.rows)


INSTRUMENT_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "InstrumentRegistered": _describe,
    "InstrumentChanged": _describe,
    "InstrumentCalibrated": _calibrated,
    "InstrumentRetired": _moved,
    "InstrumentReturned": _moved,
    "MeasuredUnitsExported": _exported,
}


# --- what the floor does ----------------------------------------------------------------------------------------------


def readings_of(body: wire.Frozen) -> tuple[wire.Measurement, ...]:
    """The readings that an event of the floor carries."""
    if isinstance(body, wire.UnitsTested):
        return body.tests
    if isinstance(body, wire.CartonWeighed):
        return (body.reading,)
    return body.readings if isinstance(body, wire.ReadingsRecorded) else ()


def load(world: World, bodies: Iterable[wire.Frozen]) -> None:
    """Load the instruments that these events name, one query a table."""
    named = sorted({m.device for body in bodies for m in readings_of(body) if m.device})
    if not named:
        return
    world.instruments.load((name,) for name in named)
    rows = [row for name in named if (row := world.instruments.get(name))]
    world.calibrations.load((row.id, i) for row in rows for i in range(1, row.calibrations + 1))


def _register(world: World, readings: Iterable[wire.Measurement], day: str) -> Mapping[str, Instrument]:
    named = calibration.named_in(readings)
    return {name: found for name in named if (found := world.instrument(name, day)) is not None}


def measured_by(world: World, entry: Entry, plan: Plan, body: wire.Frozen) -> Answer | None:
    """What the register says of the instruments of a run on its day; None where it names none.

    Args:
        plan: names the site's clock. What an unfit instrument does is the business of the plan in force: an order's
            own plan may be a year old.
    """
    readings = readings_of(body)
    if not any(m.device for m in readings):
        return None
    day = day_at(entry.at, plan.plant.timezone)
    current = world.plan(world.latest_revision()) or plan
    return calibration.measured_by(readings, _register(world, readings, day), day, current.plant.calibration)


def note(world: World, entry: Entry, plan: Plan, body: Any, *, order: str, outcome: str) -> None:
    """Remember which instruments have measured this unit. Whatever the rules say of it, it has happened."""
    readings = readings_of(body)
    day = day_at(entry.at, plan.plant.timezone)
    register = _register(world, readings, day)
    for named in calibration.named_in(readings).values():
        fit = calibration.fitness(named, register.get(named.id), day)
        world.tested_with.put(
            MeasuredWithRow(
                device=named.id,
                event_id=entry.event_id,
                unit=body.unit,
                order=order,
                step=body.step,
                station=entry.station or "",
                serial=named.serial,
                at=entry.at,
                outcome=outcome,
                fitness="" if fit.go else fit.reason,
            )
        )
