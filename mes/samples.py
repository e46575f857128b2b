"""What the samples of a unit say: how many there are, and between which values each test was read. Nobody is in it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from mes.db.tables import Reading


class Sampled(NamedTuple):
    """The readings of one test in one visit of a step, in the unit of measure of its limits.

    `taken` are all of them, `out` those beyond the limits; `least` and `most` are None where nothing was measured.
    """

    step: str
    visit: int
    test: str
    taken: int
    out: int
    least: float | None
    most: float | None
    first_at: str
    last_at: str


def of_unit(session: Session, unit: str) -> list[Sampled]:
    """What was read of a unit, by step, visit and test; found by the head of the table's key."""
    r = Reading
    query = (
        select(
            r.step,
            r.visit,
            r.test,
            func.count(),
            func.sum(case((r.outcome == "failed", 1), else_=0)),
            func.min(r.value),
            func.max(r.value),
            func.min(r.at),
            func.max(r.at),
        )
        .where(r.unit == unit)
        .group_by(r.step, r.visit, r.test)
        .order_by(func.min(r.at), r.step, r.visit, r.test)
    )
    return [Sampled(*row) for row in session.execute(query)]
