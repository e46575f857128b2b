"""One unit in the office: where it stands, what it is made of, and everything that it went through, drawn and listed.

Reads rows and the plan that its order is pinned to; decides nothing, and knows nobody.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, abort, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import deliveries, packing, samples, trace
from mes.db.tables import Nonconformity, UnitRow, Visit
from mes.domain.days import day_at
from mes.domain.measurement import show as show_value
from mes.domain.route import Product
from mes.domain.runs import limit_text
from mes.trace_sheet import Sheet
from web.auth import role
from web.board_words import NC_STATES
from web.charts_asked import DAYS
from web.language import language
from web.nc_detail import label, plan_of_order, station_name, step_name
from web.orders import UNIT_WORDS, plan_and_today
from web.site import site

blueprint = Blueprint("units", __name__)


@blueprint.get("/unit/<path:serial>")
@role("planner", "supervisor", "quality", "admin")
def show(serial: str) -> str:
    """One unit."""
    here = site()
    with here.reading() as session:
        unit = session.get(UnitRow, serial)
        latest, _today, tz = plan_and_today(here, session)
        if unit is None:
            abort(404)
        plan = plan_of_order(session, unit.order) or latest
        product = plan.product(unit.product) if plan else None
        visits = session.scalars(select(Visit).where(Visit.unit == serial).order_by(Visit.started_at, Visit.visit))
        ncs = session.scalars(select(Nonconformity).where(Nonconformity.unit == serial).order_by(Nonconformity.id))
        return render_template(
            "unit.html",
            unit=unit,
            product=product,
            step=step_name(unit, plan),
            station=station_name(plan, unit.station),
            word=UNIT_WORDS["held" if unit.nc and unit.state != "scrapped" else unit.state],
            visits=[(v, step_name(v, plan), station_name(plan, v.station)) for v in visits],
            ncs=[(n, label(n, plan), NC_STATES[n.state]) for n in ncs],
            samples=sampled(session, product, serial),
            left=deliveries.find(session, unit.delivery) if unit.delivery else None,
            **_history(session, serial, latest.product(unit.product) if latest else None, tz),
            tz=tz,
        )


def _history(session: Session, serial: str, product: Product | None, tz: str) -> dict[str, Any]:
    """Everything that is kept of the unit, in the reader's language, and the drawings of it.

    Args:
        product: as the plan in force has it, whose readings have control charts.
    """
    found = trace.dossier(session, serial)
    assert found is not None
    sheet = Sheet(found, language())
    return {
        "facts": sheet.facts(),
        "carton": packing.carton_of(session, serial),
        "sections": {s.key: s for s in sheet.sections()},
        "charts": [_chart(product, e.step, v.test, e.at, tz) for e in found.events for v in e.values],
        "parts": list(found.every_part()),
        "drawn_parts": sheet.parts_drawing(),
        "drawn_way": sheet.way_drawing(),
        "curves": sheet.curves(),
    }


def _chart(product: Product | None, step: str, test: str, at: str, tz: str) -> dict[str, str]:
    """The control chart of a reading, up to its day, so that it is among the latest ones there; none of a weight, and
    of what the plan does not measure any more."""
    planned = product.step(step) if product else None
    if product is None or planned is None or not any(t.id == test and t.weigh is None for t in planned.tests):
        return {}
    until = date.fromisoformat(day_at(at, tz))
    since = until - timedelta(days=DAYS)
    return {"what": f"{product.id}/{step}/{test}", "from": since.isoformat(), "to": until.isoformat()}


def sampled(session: Session, product: Product | None, unit: str) -> list[dict[str, Any]]:
    """The samples of a unit, a line for each test of each visit, in words."""
    said = []
    for row in samples.of_unit(session, unit):
        step = product.step(row.step) if product else None
        test = next((t for t in step.tests if t.id == row.test), None) if step else None
        values = [
            show_value(v, test.unit, language()) if test else f"{v:g}" for v in (row.least, row.most) if v is not None
        ]
        said.append(
            {
                "row": row,
                "step": step.name.to(language()) if step else row.step,
                "test": test.name.to(language()) if test else row.test,
                "least": values[0] if values else "–",
                "most": values[-1] if values else "–",
                "limit": limit_text(test)[language()] if test else "–",
            }
        )
    return said
