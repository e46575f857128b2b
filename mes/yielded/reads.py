"""The sums behind a question, grouped by the database.

What comes back is one row a group, product and step (of a line: and station), whatever has happened in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, Final, Literal, cast, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ColumnElement, Select, String, and_, column, false, func, literal, or_, select, values
from sqlalchemy.orm import Session

from mes.db.base import utc_text
from mes.db.tables import StepOrder, StepQuarter, WorkOrder
from mes.domain.ratios import Ratio
from mes.domain.route import Plan, Step
from mes.domain.yields import Rolled, rolled_yield
from mes.rows import StepCounts
from mes.yielded.figures import Yield
from mes.yielded.periods import Period, midnight, periods, quarter_of

By = Literal["product", "order", "line", "step", "shift", "day", "week"]
BY: Final = get_args(By)
SPELLS: Final = ("shift", "day", "week")
OF_ORDER: Final = ("product", "order", "step")
"""What the sums of an order can be grouped by: they have neither times nor stations."""
MOST_DAYS: Final = 1_100
"""Days by shift, day or week: three years, each stretch of which is a row that the database is given."""
NAMES: Final = tuple(f.name for f in fields(StepCounts))


class CannotAsk(Exception):
    """The sums cannot say this: `reason` is `order_has_no_time`, `wrong_way_round` or `too_long`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        since, until: first and last day of the site, both included. An order is taken whole when it was open on one of
            them.
        product, order, line, step: only these, where not empty.
    """

    by: By
    since: date
    until: date
    product: str = ""
    order: str = ""
    line: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """The counts of one step within one group."""

    key: str
    product: str
    step: str
    counts: StepCounts


def asked(session: Session, plan: Plan, question: Question) -> list[Yield]:
    """The yields of each group that has something, in order: of time, or of names.

    Raises:
        CannotAsk: when the sums cannot say it.
    """
    if question.since > question.until:
        raise CannotAsk("wrong_way_round")
    if question.order and question.by not in OF_ORDER:
        raise CannotAsk("order_has_no_time")
    if question.by in SPELLS and (question.until - question.since).days > MOST_DAYS:
        raise CannotAsk("too_long")
    by_order = bool(question.order) or question.by == "order"
    parts = _of_orders(session, plan, question) if by_order else _of_quarters(session, plan, question)
    groups: dict[str, list[_Part]] = {}
    for part in parts:
        groups.setdefault(part.key, []).append(part)
    order = _in_time(plan, question) if question.by in SPELLS else _place(plan) if question.by == "step" else _by_name
    return [_yield(plan, question, key, groups[key]) for key in sorted(groups, key=order)]


def total(plan: Plan, question: Question, rows: Sequence[Yield]) -> Yield:
    """All rows together: sums over sums; a rolled yield only where the rows are the steps of one product."""
    one = {r.product for r in rows} if rows else set()
    product = one.pop() if len(one) == 1 else ""
    parts = [_Part(r.key, r.product, r.step, r.counts) for r in rows]
    made = _yield(plan, question, "", parts)
    rolled = made.through if question.by == "step" else rows[0].through if len(rows) == 1 else None
    step = question.step if question.step else ""
    return Yield("", product, step, made.counts, None if step else rolled)


def _yield(plan: Plan, question: Question, key: str, parts: Sequence[_Part]) -> Yield:
    products = {p.product for p in parts}
    steps = {p.step for p in parts}
    product = products.pop() if len(products) == 1 else ""
    step = next(iter(steps)) if len(steps) == 1 and (question.by == "step" or question.step) and key else ""
    rolled = None if step else _rolled(plan, question, product, key, parts)
    return Yield(key, product, step, added(p.counts for p in parts), rolled)


def _rolled(plan: Plan, question: Question, product: str, key: str, parts: Iterable[_Part]) -> Rolled | None:
    """The rolled yield of one serialised product over the steps of its route that were asked for."""
    made = plan.product(product)
    if made is None or made.tracking != "serial":
        return None
    line = key if question.by == "line" else question.line
    first: dict[str, Ratio] = {}
    for p in parts:
        first[p.step] = first.get(p.step, Ratio(0, 0)) + Ratio(p.counts.first_passed, p.counts.first)
    steps = [s for s in made.steps if not line or line_of(plan, s.stations[0]) == line]
    return rolled_yield([first.get(s.id, Ratio(0, 0)) for s in steps])


def added(counts: Iterable[StepCounts]) -> StepCounts:
    """All counts together."""
    sums = dict.fromkeys(NAMES, 0)
    for c in counts:
        for name in NAMES:
            sums[name] += getattr(c, name)
    return StepCounts(**sums)


def line_of(plan: Plan, station: str) -> str:
    """The line that a station stands on; "" for one that the plan no longer knows."""
    found = plan.station(station)
    return found.line if found else ""


def _by_name(key: str) -> Any:
    return (key,)


def _in_time(plan: Plan, question: Question) -> Any:
    """Stretches in the order in which they begin: shifts do not follow the alphabet."""
    places: dict[str, int] = {}
    for place, stretch in enumerate(_stretches(plan, question)):
        places.setdefault(stretch.key, place)
    return places.__getitem__


def _stretches(plan: Plan, q: Question) -> list[Period]:
    spell = cast("Literal['shift', 'day', 'week']", q.by)
    return periods(spell, q.since, q.until, plan.plant.shifts, ZoneInfo(plan.plant.timezone))


def _place(plan: Plan) -> Any:
    """Steps of a product in the order of its route."""
    places = {f"{p.id} {s.id}": (p.id, i) for p in plan.products for i, s in enumerate(p.steps)}
    return lambda key: (*places.get(key, (key.partition(" ")[0], 1_000)), key)


def _sums(table: Any) -> list[ColumnElement[int]]:
    return [func.sum(getattr(table, name)).label(name) for name in NAMES]


def _counts(row: Sequence[Any]) -> StepCounts:
    return StepCounts(**{name: int(value) for name, value in zip(NAMES, row, strict=True)})


# --- by quarter of an hour ----------------------------------------------------------------------------------------


def _of_quarters(session: Session, plan: Plan, q: Question) -> list[_Part]:
    zone = ZoneInfo(plan.plant.timezone)
    if q.by in SPELLS:
        return _of_spells(session, plan, q)
    since, until = quarter_of(midnight(q.since, zone)), quarter_of(midnight(q.until + timedelta(days=1), zone))
    group: tuple[Any, ...] = (StepQuarter.product, StepQuarter.step)
    if q.by == "line":
        group = (*group, StepQuarter.station)
    wanted = select(*group, *_sums(StepQuarter)).where(StepQuarter.quarter >= since, StepQuarter.quarter < until)
    rows = session.execute(_filtered(wanted, plan, q).group_by(*group)).all()
    return [_part(plan, q.by, row[: len(group)], row[len(group) :]) for row in rows]


def _part(plan: Plan, by: By, group: Sequence[str], counts: Sequence[Any]) -> _Part:
    product, step, *station = group
    key = {"product": product, "step": f"{product} {step}"}.get(by, "")
    if by == "line":
        key = line_of(plan, station[0] or first_station(plan, product, step))
    return _Part(key, product, step, _counts(counts))


def first_station(plan: Plan, product: str, step: str) -> str:
    """Where a step is planned to be done: what was decided away from a bench counts there."""
    made = plan.product(product)
    found = made.step(step) if made else None
    return found.stations[0] if found else ""


def spells_of(plan: Plan, q: Question) -> CTE:
    """The stretches of a question as a table for the database: `key`, `since`, `until` (quarters of an hour)."""
    names = (column("key", String), column("since", String), column("until", String))
    stretches = [(s.key, s.since, s.until) for s in _stretches(plan, q)]
    return values(*names, name="spell").data(stretches).cte("spell")


def _of_spells(session: Session, plan: Plan, q: Question) -> list[_Part]:
    """By stretch of time: the database gets the stretches as a table and adds up for itself."""
    spells = spells_of(plan, q)
    group = (spells.c.key, StepQuarter.product, StepQuarter.step)
    wanted = (
        select(*group, *_sums(StepQuarter))
        .select_from(spells)
        .join(StepQuarter, and_(StepQuarter.quarter >= spells.c.since, StepQuarter.quarter < spells.c.until))
    )
    rows = session.execute(_filtered(wanted, plan, q).group_by(*group)).all()
    return [_Part(row[0], row[1], row[2], _counts(row[3:])) for row in rows]


def _filtered(wanted: Select[Any], plan: Plan, q: Question) -> Select[Any]:
    if q.product:
        wanted = wanted.where(StepQuarter.product == q.product)
    if q.step:
        wanted = wanted.where(StepQuarter.step == q.step)
    if q.line:
        wanted = wanted.where(at_line(plan, q.line, StepQuarter))
    return wanted


def at_line(plan: Plan, line: str, table: Any) -> ColumnElement[bool]:
    """What happened at a line's stations; what was decided away from a bench, at steps that belong to the line.

    Args:
        table: a table with the columns `station`, `product` and `step`.
    """
    there = [
        and_(table.product == p.id, table.step.in_(steps))
        for p in plan.products
        if (steps := [s.id for s in _steps_on(plan, p.steps, line)])
    ]
    away = and_(table.station == literal(""), or_(false(), *there))
    return or_(table.station.in_([s.id for s in plan.stations if s.line == line]), away)


def _steps_on(plan: Plan, steps: Iterable[Step], line: str) -> list[Step]:
    return [s for s in steps if line_of(plan, s.stations[0]) == line]


# --- by order ---------------------------------------------------------------------------------------------------------


def _of_orders(session: Session, plan: Plan, q: Question) -> list[_Part]:
    """Orders over their whole life: one that is named, or all that were open on one of the days."""
    group = (StepOrder.order, StepOrder.product, StepOrder.step)
    wanted = select(*group, *_sums(StepOrder))
    if q.order:
        wanted = wanted.where(StepOrder.order == q.order)
    else:
        zone = ZoneInfo(plan.plant.timezone)
        start, end = midnight(q.since, zone), midnight(q.until + timedelta(days=1), zone)
        ended_later = or_(WorkOrder.ended_at.is_(None), WorkOrder.ended_at >= utc_text(start))
        wanted = wanted.join(WorkOrder, WorkOrder.id == StepOrder.order).where(
            WorkOrder.created_at < utc_text(end), ended_later
        )
    if q.product:
        wanted = wanted.where(StepOrder.product == q.product)
    if q.step:
        wanted = wanted.where(StepOrder.step == q.step)
    found: list[_Part] = []
    for order, product, step, *counts in session.execute(wanted.group_by(*group)):
        if q.line and line_of(plan, first_station(plan, product, step)) != q.line:
            continue
        keys: Mapping[str, str] = {"order": order, "product": product, "step": f"{product} {step}"}
        found.append(_Part(keys[q.by], product, step, _counts(counts)))
    return found
