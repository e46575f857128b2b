"""What is shown of a nonconformity: what was measured or seen, the unit's way so far, where rework may send it.

Reads rows and the plan that the order is pinned to; decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import revisions, wire
from mes.db.tables import Ledger, Nonconformity, PlanRevision, UnitRow, Visit, WorkOrder
from mes.domain.measurement import show as show_value
from mes.domain.nonconformity import UNDECIDED
from mes.domain.reasons import sentence
from mes.domain.route import Plan, Product, Step, Test
from mes.domain.runs import limit_text
from mes.domain.unit import first_to_pass
from mes.nc_log import SAMPLES
from web.gauge import gauge
from web.language import language
from web.site import Site


def label(row: Nonconformity, plan: Plan | None) -> str:
    """What a nonconformity is about, in the language of the page."""
    if row.title:
        return row.title
    if row.defect:
        defect = plan.defect(row.defect) if plan else None
        return defect.name.to(language()) if defect else row.defect
    detail = json.loads(row.detail)
    if row.cause == "lot_held":
        return str(_("Lot %(lot)s of %(part)s", lot=detail["lot"], part=detail["part"]))
    if row.cause == "sample":
        return str(_(SAMPLES[detail["accepted"]], inspection=detail["inspection"]))
    test = detail.get("test")
    if isinstance(test, dict):
        return str(test.get(language()) or test.get("fr"))
    return str(_("Not planned"))


def step_name(row: Any, plan: Plan | None) -> str:
    """The step of a row by name, by id when the plan does not know it."""
    product = plan.product(row.product) if plan else None
    step = product.step(row.step) if product else None
    return step.name.to(language()) if step else str(row.step)


def station_name(plan: Plan | None, station: str | None) -> str:
    """A station by name, by id when the plan does not know it."""
    found = plan.station(station) if plan and station else None
    return found.name.to(language()) if found else (station or "–")


def detail(here: Site, session: Session, nc: str) -> dict[str, Any] | None:
    """Everything that a decision should look at; None for an unknown number."""
    row = session.get(Nonconformity, nc)
    if row is None:
        return None
    plan = plan_of_order(session, row.order) or revisions.latest_plan(session)
    product = plan.product(row.product) if plan else None
    unit = session.get(UnitRow, row.unit)
    visits = session.scalars(select(Visit).where(Visit.unit == row.unit).order_by(Visit.started_at, Visit.visit)).all()
    event = session.scalars(select(Ledger).where(Ledger.event_id == row.event_id)).first()
    others = session.scalars(
        select(Nonconformity.id)
        .where(Nonconformity.unit == row.unit, Nonconformity.id != nc)
        .order_by(Nonconformity.id)
    ).all()
    return {
        "row": row,
        "unit": unit,
        "label": label(row, plan),
        "product": product,
        "step": step_name(row, plan),
        "station": station_name(plan, row.station),
        "readings": readings(product.step(row.step) if product else None, event),
        "detail": json.loads(row.detail),
        "defects": _defects(row, plan),
        "visits": [(v, step_name(v, plan), station_name(plan, v.station)) for v in visits],
        "others": others,
        "targets": _targets(product, unit),
        "first": _first(product, unit, row),
        "blocked": unit is not None and unit.nc == row.id and row.state in UNDECIDED,
    }


def plan_of_order(session: Session, order: str) -> Plan | None:
    """The plan that an order is pinned to, None before its release."""
    found = session.execute(
        select(PlanRevision.revision, PlanRevision.hash).join(WorkOrder, WorkOrder.revision == PlanRevision.revision)
        .where(WorkOrder.id == order)
    ).first()  # fmt: skip
    return revisions.plan_of(session, found.revision, found.hash) if found else None


def _defects(row: Nonconformity, plan: Plan | None) -> list[str]:
    codes = json.loads(row.detail).get("defects") or ([row.defect] if row.defect else [])
    known = [(plan.defect(code) if plan else None, code) for code in codes]
    return [defect.name.to(language()) if defect else code for defect, code in known]


def _targets(product: Product | None, unit: UnitRow | None) -> Sequence[Step]:
    """Where rework may send the unit: the step at which it stands, or one before it; never past a test of safety."""
    if product is None or unit is None:
        return ()
    results = json.loads(unit.results)
    so_far = product.steps[: product.place(unit.step) + 1]
    return [step for step in so_far if first_to_pass(product, step, results) is None]


def _first(product: Product | None, unit: UnitRow | None, row: Nonconformity) -> str | None:
    """The step that has to be passed before the one that failed: no decision lets the unit off it."""
    step = product.step(row.step) if product else None
    if product is None or unit is None or step is None:
        return None
    first = product.step(first_to_pass(product, step, json.loads(unit.results)) or "")
    return first.name.to(language()) if first else None


def readings(step: Step | None, event: Ledger | None) -> list[dict[str, Any]]:
    """What was measured when it happened: test, reading, limit, and where the reading lies; the raw text beside it."""
    if step is None or event is None or event.kind not in ("UnitsTested", "ReadingsRecorded"):
        return []
    run = wire.FLOOR_KINDS[event.kind, event.v].model_validate_json(event.body)
    tests = run.tests if isinstance(run, wire.UnitsTested) else getattr(run, "readings", ())
    planned = {t.id: t for t in step.tests}
    return [_reading(planned[m.test], m) for m in tests if m.test in planned]


def _reading(test: Test, m: wire.Measurement) -> dict[str, Any]:
    return {
        "test": test.name.to(language()),
        "value": show_value(m.value, m.unit or test.unit, language()) if m.value is not None else m.outcome,
        "limit": limit_text(test)[language()],
        "outcome": m.outcome,
        "gauge": gauge(test, m),
        "instrument": m.instrument or "",
        "calibration_due": m.calibration_due,
        "attempt": m.attempt,
        "verdict": m.verdict,
        "raw": m.raw,
    }


def why_not(code: str, args: dict[str, Any]) -> str:
    """Why something was not foreseen, as the sentence that a request would have got, without its full stop."""
    if code == "not_arrived":
        return str(_("work on it, and it had not been scanned in"))
    said = sentence(code, args, language())[0] if code else str(_("no reason is known"))
    return said.rstrip(".")
