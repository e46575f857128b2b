"""What failures are called, wherever they are counted: kinds, groups, causes. English; translated when shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mes import export
from mes.i18n import N_
from mes.nc_export import Words
from mes.yielded.failures import Bar, By, Go, Row

GO: Final[Mapping[Go, str]] = {
    "first": N_("First attempts"), "again": N_("Retests and rework"), "bench": N_("Errors of the bench"),
    "scrap": N_("Scrap"),
}  # fmt: skip
GO_MEANS: Final[Mapping[Go, str]] = {
    "first": N_("Units whose first judgement at the step was a failure: what the first-pass yield lost."),
    "again": N_("Failures of units that had been judged there before: in a retest, or after rework."),
    "bench": N_("Runs that said nothing of the unit: the bench could not measure, gave no answer, or was stopped."),
    "scrap": N_("Units and pieces that were lost, by what they were lost for."),
}
BY: Final[Mapping[By, str]] = {
    "cause": N_("Test or defect"), "step": N_("Step"), "product": N_("Product"), "order": N_("Order"),
    "line": N_("Line"), "station": N_("Station"),
}  # fmt: skip
RUN: Final[Mapping[str, str]] = {
    "error": N_("the run said nothing of the unit"), "timeout": N_("no answer of the instrument"),
    "aborted": N_("run broken off"),
}  # fmt: skip
REASON: Final[Mapping[str, str]] = {
    "disqualified": N_("declared scrap at the bench"), "test_failed": N_("test failed"),
    "defect_found": N_("defect without a code"), "contradiction": N_("contradiction"), "lot_held": N_("lot on hold"),
}  # fmt: skip
HEADS: Final = (
    N_("Unit"), N_("Order"), N_("Product"), N_("Step"), N_("Station"), N_("Test or defect"), N_("Pieces"),
    N_("Time (UTC)"),
)  # fmt: skip


def cause(words: Words, of: str, key: str, product: str, step: str) -> str:
    """A test, a defect or a reason in words; a test by the name that the plan gives it at that step."""
    if of == "test":
        made = words.plan.product(product) if words.plan else None
        planned = made.step(step) if made else None
        return next((t.name.to(words.language) for t in planned.tests if t.id == key), key) if planned else key
    if of == "defect":
        return words.defect(key)
    known = (RUN if of == "run" else REASON).get(key)
    return words.say(known) if known else words.source(key)


def name(words: Words, by: By, bar: Bar) -> str:
    """A group in words."""
    if by == "cause":
        said = cause(words, bar.of, bar.key, bar.product, bar.step)
        return f"{said} · {words.step(bar.product, bar.step)}" if bar.step else said
    if by == "step":
        return f"{bar.product} · {words.step(bar.product, bar.key)}"
    if by == "line":
        lines = words.plan.plant.lines if words.plan else ()
        return next((line.name.to(words.language) for line in lines if line.id == bar.key), bar.key or "–")
    if by == "station":
        return words.station(bar.key) or words.say(N_("decided in the office"))
    return f"{words.product(bar.key)} ({bar.key})" if by == "product" else bar.key


def table(words: Words, by: By, bars: list[Bar]) -> export.Table:
    """The groups as a table: what they are called, their codes, and how many."""
    head = tuple(map(words.say, (BY[by], N_("Code"), N_("Product"), N_("Step"), N_("Count"), N_("Share up to here"))))
    rows = [(name(words, by, b), b.key, b.product, b.step, b.count, round(b.share, 4)) for b in bars]
    return export.Table(words.say(N_("Pareto")), head, rows)


def units(words: Words, rows: list[Row]) -> export.Table:
    """The units and pieces behind, as a table."""
    cells = [
        (r.unit, r.order, r.product, words.step(r.product, r.step), words.station(r.station),
         cause(words, r.of, r.cause, r.product, r.step), r.count, r.at)
        for r in rows
    ]  # fmt: skip
    return export.Table(words.say(N_("Units")), tuple(map(words.say, HEADS)), cells)
