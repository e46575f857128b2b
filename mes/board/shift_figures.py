"""What the shift that works has made and should make, by step and by line: rows in, values out.

A product leaves a line at the last of its steps that stands on it. Counted pieces belong to the orders that are due
first: they are counted by product and step, and not by order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo

from mes.board.rows import Rows
from mes.domain import shift_plan
from mes.domain.route import Plan, Product, Step
from mes.domain.shift_plan import Need, Output
from mes.domain.shifts import Worked

Key = tuple[str, str]
"""Product and step, by their ids."""
Outputs = Mapping[Key, Output]


def outputs(rows: Rows, plan: Plan, shift: Worked, now: datetime, zone: tzinfo) -> Outputs:
    """The output of each step that has something to do in this shift, or has done it.

    Args:
        now: the pace that is needed changes by the minute, not with every look.
    """
    minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    made: Counter[Key] = Counter(rows.shift.counted)
    for row in rows.visits:
        made[row.product, row.step] += int(row.passed)
    needs = _needs(rows, plan)
    found: dict[Key, Output] = {}
    for product in plan.products:
        for step in product.steps:
            key = (product.id, step.id)
            if not made[key] and key not in needs:
                continue
            fits = max(1, int(_places(plan, step) * shift.planned_s / step.cycle_s))
            planned = shift_plan.planned(needs.get(key, ()), shift, plan.plant.shifts, zone, fits)
            found[key] = shift_plan.output(made[key], planned, shift, minute)
    return found


def of_line(found: Outputs, plan: Plan, line: str) -> Output | None:
    """The output of a line: of the steps at which products leave it."""
    line_of = {s.id: s.line for s in plan.stations}
    leaving = [(p.id, step.id) for p in plan.products if (step := _leaves(p, line, line_of)) is not None]
    return shift_plan.together(found[key] for key in leaving if key in found)


def _leaves(product: Product, line: str, line_of: Mapping[str, str]) -> Step | None:
    here = [s for s in product.steps if line_of.get(s.stations[0]) == line]
    return here[-1] if here else None


def _places(plan: Plan, step: Step) -> int:
    known = [plan.station(name) for name in step.stations]
    return sum(station.places for station in known if station) or 1


def _needs(rows: Rows, plan: Plan) -> dict[Key, list[Need]]:
    """What each order needed at each step when the shift began."""
    lost: Counter[str] = Counter()
    passed: dict[Key, int] = {}
    for row in rows.shift.done:
        lost[row.order] += int(row.scrapped)
        passed[row.order, row.step] = int(row.passed)
    in_shift: Counter[Key] = Counter()
    for row in rows.visits:
        in_shift[row.order, row.step] += int(row.passed)
    pool = Counter(rows.shift.counted)
    found: dict[Key, list[Need]] = defaultdict(list)
    for order in sorted(rows.shift.orders, key=lambda o: (o.due is None, o.due or "", o.id)):
        product = rows.work.plan_of(order.revision).product(order.product)
        if product is None or order.state == "on_hold":
            continue
        for step in product.steps:
            done, key = passed.get((order.id, step.id), 0), (product.id, step.id)
            mine = in_shift[order.id, step.id] if product.tracking == "serial" else min(pool[key], done)
            pool[key] -= mine if product.tracking == "lot" else 0
            left = max(0, order.quantity - lost[order.id] - done) + mine
            if left:
                found[key].append(Need(left, date.fromisoformat(order.due) if order.due else None))
    return found
