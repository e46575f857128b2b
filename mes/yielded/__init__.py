"""Yields from the kept sums: by product, order, line, step, shift, day or week.

It reads sums (`mes.db.tables.rollups`) and the plan; it knows no page, no person and no clock. What a year asks of the
database grows with the groups of the answer, and not with what has happened.
"""

from __future__ import annotations

from mes.yielded.figures import COLUMNS, FIGURES, Figure, Yield, cells, heads, said
from mes.yielded.periods import Period, periods
from mes.yielded.reads import BY, By, CannotAsk, Question, asked, total

__all__ = [
    "BY",
    "COLUMNS",
    "FIGURES",
    "By",
    "CannotAsk",
    "Figure",
    "Period",
    "Question",
    "Yield",
    "asked",
    "cells",
    "heads",
    "periods",
    "said",
    "total",
]
