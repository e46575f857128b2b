"""The rack after the station was off: what its own disk says is taken up at once, what the server says comes second.

Pure. The agent keeps `note_of` with the events that change it, in one commit; `came` reads it back. So neither a power
cut nor a restart needs anybody to scan again, and no sample is lost or counted twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field, ValidationError

from mes import wire
from mes.domain.gate import Installed, Unit
from mes.domain.told import floor_order, floor_unit
from stations.inputs import FloorCame, RackCame
from stations.recall import order_from, unit_from
from stations.turn import Session, Turn
from stations.work import Work, work_on


class Kept(wire.Frozen):
    """One unit as the station's own disk has it. `readings` are those of its last sample."""

    unit: wire.FloorUnit
    order: wire.FloorOrder
    installed: tuple[tuple[str, str, str | None, str | None, int, str], ...] = ()
    readings: tuple[wire.Measurement, ...] = ()


class Note(wire.Frozen):
    """The rack as the station's own disk has it."""

    units: Annotated[tuple[Kept, ...], Field(max_length=999)] = ()


def stays(s: Session, work: Work) -> bool:
    """Whether the unit stays here while others come and go, or for hours."""
    return s.places > 1 or work.step.sample_s > 0


def note_of(s: Session) -> str | None:
    """What has to be on the disk for the rack to be taken up again; empty where there is nothing to keep.

    None: what the disk says has not come yet, and must not be written over.
    """
    if not s.rack_known:
        return None
    kept = (*s.to_take_up, *(_kept(w) for w in s.works if stays(s, w)))
    return Note(units=kept).model_dump_json(exclude_defaults=True) if kept else ""


def _kept(work: Work) -> Kept:
    return Kept(
        unit=floor_unit(work.unit),
        order=floor_order(work.order),
        installed=tuple((i.id, i.part, i.serial, i.lot, i.quantity, i.step) for i in work.installed),
        readings=work.last,
    )


def read_note(text: str) -> tuple[Kept, ...]:
    """The units of a note; none when it cannot be read: then the server's answer has to do."""
    try:
        return Note.model_validate_json(text).units if text else ()
    except ValidationError:
        return ()


def came(turn: Turn, told: RackCame) -> Turn:
    """What the station's disk says of the rack: taken up as soon as the plan is there."""
    return take_up(turn.put(rack_known=True, to_take_up=read_note(told.note)))


def take_up(turn: Turn) -> Turn:
    """Take up what the disk says, where the plan is known."""
    left = []
    for kept in turn.session.to_take_up:
        unit, order = unit_from(kept.unit), order_from(kept.order)
        plan = turn.session.recall.plans.get(order.revision)
        work = work_on(unit, order, plan, (Installed(*item) for item in kept.installed))
        if plan is None:
            left.append(kept)
        elif work is not None and turn.session.work(unit.serial) is None:
            turn = _put(turn, replace(work, last=kept.readings))
    return turn.put(to_take_up=tuple(left))


def _put(turn: Turn, work: Work) -> Turn:
    s = turn.session
    turn = turn.put_work(replace(work, marked_at=s.now))
    return turn.put(front=work.serial) if s.places == 1 and s.front is None and s.lot is None else turn


def told(turn: Turn, floor: FloorCame) -> Turn:
    """The server has told of the floor: the second source. It counts once nothing of ours waits to be judged."""
    s = turn.session
    if floor.from_disk or s.kept or s.waiting or s.recall.plan is None:
        return turn
    if floor.reply.whole:
        open_units = {u.serial for u in floor.reply.units}
        for gone in (w for w in s.works if stays(s, w) and w.run is None and w.serial not in open_units):
            turn = turn.free(gone.serial)
        waiting = tuple(kept for kept in s.to_take_up if kept.unit.serial in open_units)
        turn = turn.put(to_take_up=waiting)
    for unit in (unit_from(u) for u in floor.reply.units):
        here = unit.state == "in_work" and unit.station == s.station
        work = turn.session.work(unit.serial)
        if work is not None and not here and stays(s, work) and work.run is None:
            turn = turn.free(unit.serial)
        elif work is None and here:
            turn = _from_server(turn, unit)
    return turn


def _from_server(turn: Turn, unit: Unit) -> Turn:
    s = turn.session
    order = s.recall.order(unit.order)
    work = work_on(unit, order, s.recall.plan_of(order), s.recall.installed_in(unit.serial)) if order else None
    return _put(turn, work) if work is not None and stays(s, work) and s.recall.ours.get(unit.serial) is None else turn
