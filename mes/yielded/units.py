"""Which units stand behind a step's figures: the visits in which one failed. It names no person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mes.db.base import utc_text
from mes.db.tables import UnitRow, Visit
from mes.domain.route import Plan
from mes.yielded.periods import midnight
from mes.yielded.reads import Question

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Failed:
    """A visit in which a unit failed, once or more, whatever came of it (`result`: `passed` or `failed`)."""

    unit: str
    order: str
    product: str
    failures: int
    result: str
    ended_at: str


def failed(session: Session, plan: Plan, question: Question) -> list[Failed]:
    """The units that failed at the question's step, the latest first, `MOST` at most; none without a step."""
    if not question.step:
        return []
    wanted = (
        select(Visit.unit, UnitRow.order, Visit.product, Visit.failures, Visit.result, Visit.ended_at)
        .join(UnitRow, UnitRow.serial == Visit.unit)
        .where(Visit.step == question.step, or_(Visit.failures > 0, Visit.result == "failed"))
    )
    if question.order:
        wanted = wanted.where(UnitRow.order == question.order, Visit.ended_at.is_not(None))
    else:
        zone = ZoneInfo(plan.plant.timezone)
        start, end = midnight(question.since, zone), midnight(question.until + timedelta(days=1), zone)
        wanted = wanted.where(Visit.ended_at >= utc_text(start), Visit.ended_at < utc_text(end))
    if question.product:
        wanted = wanted.where(Visit.product == question.product)
    rows = session.execute(wanted.order_by(Visit.ended_at.desc(), Visit.unit).limit(MOST))
    return [Failed(u, o, p, f, r or "", e or "") for u, o, p, f, r, e in rows]
