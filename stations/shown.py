"""From the session to the screen: one frozen value with everything that the bench page, the lamp and the beep need.

Pure. It decides nothing: what may be done now is listed, not judged again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from mes.domain.route import Plan, Station, Step, Text
from stations import needs, testing, units
from stations.counting import Lot
from stations.turn import Session
from stations.view import InRack, Phase, Screen
from stations.work import Work

UNNAMED_LINE: Final = "line"


def screen(s: Session) -> Screen:
    """What the bench shows now."""
    work, lot = s.at_front, s.lot
    plan = (work.plan if work else lot.plan if lot else None) or s.recall.plan
    step = work.step if work else lot.step if lot else None
    product = work.product if work else lot.product if lot else None
    return Screen(
        station=_station(s),
        phase=_phase(s),
        banner=s.banner,
        operator=s.operator,
        unit=work.serial if work else s.box.sscc if s.box else None,
        order=work.order.id if work else lot.order.id if lot else s.taking_in,
        product=product.name if product else None,
        step=step,
        picture=plan.pictures.get(step.picture) if plan and step and step.picture else None,
        place=(product.place(step.id) + 1, len(product.steps)) if product and step else (0, 0),
        needs=needs.rows(work, s.now, inspecting=units.looking(s, work))
        if work
        else lot.rows()
        if lot
        else s.box.rows()
        if s.box
        else (),
        tester=work.run.tester if work and work.run else "",
        left_s=testing.left_s(s, work) if work else None,
        good=lot.good if lot else 0,
        scrap=lot.scrap if lot else 0,
        left=lot.args["left"] if lot else None,
        rack=_rack(s),
        rack_place=work.unit.place if work else None,
        devices=s.devices,
        unsafe=s.unsafe,
        help_called=s.help_called,
        link=s.link,
        kept=s.kept,
        actions=_actions(s, work, lot),
        pin_due=s.offer is not None and bool(s.offer.badge),
        defects=_defects(plan, step) if plan and step and not s.paused else (),
    )


def _station(s: Session) -> Station:
    here = s.recall.plan.station(s.station) if s.recall.plan else None
    # Not validated: the name comes from the station's own file, and a screen must be shown whatever stands there.
    name = Text.model_construct(fr=s.station, en=s.station)
    return here or Station.model_construct(id=s.station, name=name, line=UNNAMED_LINE, place=1, places=1)


def _phase(s: Session) -> Phase:
    if s.recall.plan is None:
        return "starting"
    if s.operator is None:
        return "signed_out"
    if s.paused:
        return "paused"
    if s.at_front is not None and s.at_front.run is not None:
        return "testing"
    if s.asked is not None:
        return "asking"
    return "working" if s.at_front is not None or s.lot is not None or s.box is not None else "idle"


def _rack(s: Session) -> tuple[InRack, ...]:
    if s.places == 1:
        return ()
    here = sorted((w for w in s.works if w.serial != s.front), key=lambda w: (w.unit.place or 0, w.serial))
    return tuple(_racked(s, w) for w in here)


def _racked(s: Session, work: Work) -> InRack:
    outcomes = {m.outcome for m in work.last}
    last: Literal["", "in", "out", "error"] = "in" if outcomes == {"passed"} else "error" if outcomes else ""
    return InRack(
        work.serial,
        work.ready_at(s.now),
        not work.too_early(s.now),
        place=work.unit.place,
        min_s=work.step.min_s,
        samples=work.unit.burn.samples if work.unit.burn else 0,
        last="out" if "failed" in outcomes else last,
    )


def _actions(s: Session, work: Work | None, lot: Lot | None) -> tuple[str, ...]:
    help_ = "HELPED" if s.help_called else "HELP"
    if s.offer is not None and not s.paused and s.operator is not None:
        rest = _actions(replace(s, offer=None), work, lot)
        return ("SUPERVISOR", *rest)
    if s.recall.plan is None or s.operator is None:
        return (help_,)
    if s.paused:
        return ("RESUME", help_)
    if s.asked is not None:
        return (help_,)
    if lot is not None:
        return ("DONE", "FAIL", "UNDO", "LEAVE", "PAUSE", help_)
    if s.box is not None:
        first = "YES" if s.banner.reason == "carton_not_full" else "DONE"
        return (first, "UNDO", "LEAVE", "PAUSE", help_)
    if work is None:
        return (*(("LEAVE",) if s.taking_in else ()), "PAUSE", help_)
    if work.run is not None:
        return ("FAIL", "UNDO", "LEAVE", help_)
    look = ("PASS",) if work.step.inspects and work.unit.inspected != "passed" else ()
    # While the test waits to be asked for, YES takes the place of DONE, which would be refused.
    first = "YES" if testing.may_begin(work, s.now) else "DONE"
    return (first, *look, "FAIL", "UNDO", "LEAVE", "PAUSE", help_)


def _defects(plan: Plan, step: Step) -> tuple[tuple[str, Text, str | None], ...]:
    """The step's own defects, or all of them where the plan names none for it."""
    listed = [d for d in plan.defects if d.code in step.defects] or plan.defects
    return tuple((d.code, d.name, plan.pictures.get(d.picture) if d.picture else None) for d in listed)
