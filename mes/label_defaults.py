"""Where labels are printed when nobody says: the printer of the order's line or of the site, the site's sheet of A4.

What the plan says is a proposal: a page shows it as chosen, a command takes it. It must not know HTTP.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from mes import revisions
from mes.db.tables import WorkOrder
from mes.domain.label_paper import DEFAULT_SHEET, paper
from mes.domain.printer import Printer
from mes.domain.route import Plan


def sheet(session: Session) -> str:
    """The sheet of A4 that is in the tray."""
    plan = revisions.latest_plan(session)
    said = plan.plant.labels.sheet if plan is not None and plan.plant.labels is not None else None
    return said or DEFAULT_SHEET


def printer(session: Session, order: str = "", *, least: str = "") -> Printer | None:
    """The label printer that is meant for an order when nobody says one.

    Args:
        order: its line is that of the first step; empty, or unknown: the site's printer.
        least: the size of label that the kind needs; a printer with a smaller one is not meant.
    """
    plan = revisions.latest_plan(session)
    if plan is None:
        return None
    line = plan.plant.line(_line_of(session, plan, order))
    site = plan.plant.labels.printer if plan.plant.labels is not None else None
    wanted = (line.printer if line is not None else None) or site
    found = next((p for p in plan.plant.printers if p.id == wanted), None)
    return found if found is not None and _large_enough(found.label, least) else None


def _line_of(session: Session, plan: Plan, order: str) -> str:
    row = session.get(WorkOrder, order) if order else None
    product = plan.product(row.product) if row is not None else None
    station = plan.station(product.steps[0].stations[0]) if product is not None and product.steps else None
    return station.line if station is not None else ""


def _large_enough(label: str, least: str) -> bool:
    needed, there = paper(least), paper(label)
    if needed is None or there is None:
        return there is not None
    return there.width >= needed.width and there.height >= needed.height
