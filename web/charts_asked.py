"""What the address of a control chart asks for, and the words of its form. It reads no table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import lazy_gettext

from mes.charted import BYS, COUNTED, KINDS, MOST, Wanted
from mes.domain.route import Plan, Product, Step, Test
from mes.domain.spc import GROUPED, INDIVIDUAL
from web.forms import whole_number
from web.language import language
from web.site import site
from web.yields import day

DAYS: Final = 90
MOST_IN_GROUP: Final = {True: 500, False: 25}
"""Units, or readings, in a group."""
KIND_WORDS: Final = {
    "i-mr": lazy_gettext("Single readings (I-MR)"),
    "xbar-r": lazy_gettext("Means and ranges (X̄-R)"),
    "xbar-s": lazy_gettext("Means and deviations (X̄-s)"),
    "p": lazy_gettext("Share that failed at the first go (p)"),
    "np": lazy_gettext("How many failed at the first go (np)"),
    "c": lazy_gettext("Defects in samples of one size (c)"),
    "u": lazy_gettext("Defects by unit (u)"),
}
BY_WORDS: Final = {
    "day": lazy_gettext("a day"),
    "shift": lazy_gettext("a shift"),
    "units": lazy_gettext("units in a row"),
}
ESTIMATORS: Final = {
    "mr": lazy_gettext("mean moving range"),
    "median-mr": lazy_gettext("median moving range"),
    "sd": lazy_gettext("standard deviation of all"),
    "pooled": lazy_gettext("pooled deviation"),
    "s": lazy_gettext("mean deviation"),
    "r": lazy_gettext("mean range"),
}
Place = tuple[Product, Step, Test | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for, with what the plan knows of it; `test` is None where counts of a step are asked."""

    wanted: Wanted
    product: Product
    step: Step
    test: Test | None
    plan: Plan

    @property
    def counted(self) -> bool:
        """Is it a chart of counts?"""
        return self.wanted.kind in COUNTED

    @property
    def grouped(self) -> bool:
        """Has a sample a size that is chosen?"""
        return self.wanted.kind.startswith("xbar") or (self.counted and self.wanted.by == "units")

    @property
    def unit(self) -> str:
        """The unit of measure of the values; counts have none."""
        return self.test.unit if self.test and not self.counted else ""


def asked(plan: Plan) -> Asked | None:
    """The address; what it does not say, or says wrongly, is chosen: the first reading of the plan, three months."""
    given = request.args.get
    places = list(places_of(plan))
    if not places:
        return None
    name = given("what", "")
    product, step, test = next((each for each in places if place_name(*each) == name), places[0])
    kind: Any = given("chart", "")
    kind = kind if kind in KINDS else "i-mr"
    kind = kind if test or kind in COUNTED else "p"
    by: Any = given("by", "")
    counted = kind in COUNTED
    fitting = () if counted else INDIVIDUAL if kind == "i-mr" else GROUPED
    until = day("to") or site().clock().astimezone(ZoneInfo(plan.plant.timezone)).date()
    usual = 10 if counted else 5
    wanted = Wanted(
        product=product.id,
        step=step.id,
        test=test.id if test else "",
        since=day("from") or until - timedelta(days=DAYS),
        until=until,
        kind=kind,
        size=max(1 if counted else 2, whole_number(given("size", ""), MOST_IN_GROUP[counted]) or usual),
        base=whole_number(given("base", ""), MOST) or 0,
        estimator=given("estimator", "") if given("estimator", "") in fitting else "",
        by=by if by in BYS else "day",
        base_since=day("base_from"),
        base_until=day("base_to"),
    )
    return Asked(wanted, product, step, test, plan)


def places_of(plan: Plan) -> Iterator[Place]:
    """What can be charted: each reading, then each step for its counts."""
    yield from ((p, s, t) for p in plan.products for s in p.steps for t in s.tests if t.weigh is None)
    yield from ((p, s, None) for p in plan.products for s in p.steps)


def place_name(product: Product, step: Step, test: Test | None = None) -> str:
    """A reading, or the counts of a step, as the address has it."""
    return "/".join((product.id, step.id, *([test.id] if test else [])))


def said(place: Place) -> str:
    """The same in words."""
    product, step, test = place
    lang: Any = language()
    return " · ".join((product.id, step.name.to(lang), *([test.name.to(lang)] if test else [])))


def kept(a: Asked) -> dict[str, str]:
    """The question as the address has it; without what is not said."""
    w = a.wanted
    named = {"what": place_name(a.product, a.step, a.test), "chart": w.kind, "from": w.since, "to": w.until}
    more = {
        "by": w.by if a.counted else "",
        "size": w.size if a.grouped else 0,
        "base": w.base,
        "base_from": w.base_since,
        "base_to": w.base_until,
        "estimator": w.estimator,
    }
    return {**{n: str(v) for n, v in named.items()}, **{n: str(v) for n, v in more.items() if v}}
