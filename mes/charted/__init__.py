"""Control charts of what the benches have measured and judged.

Reads only: of readings (`readings`), and of failures and defects counted (`counted`). A chart shows so many of the
latest samples, and costs as much as these. Nobody stands on one.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from mes.charted import counted, readings
from mes.charted.asked import BYS, COUNTED, KINDS, MOST, By, Kind, Made, Sample, Wanted
from mes.domain.route import Plan

__all__ = ["BYS", "COUNTED", "KINDS", "MOST", "By", "Kind", "Made", "Sample", "Wanted", "made"]


def made(session: Session, plan: Plan, wanted: Wanted) -> Made:
    """The chart.

    Raises:
        CannotChart: too few values for limits, none in the days that were to make them, or samples that do not fit.
    """
    if wanted.kind in COUNTED:
        return counted.made(session, plan, wanted)
    return readings.made(session, plan, wanted)
