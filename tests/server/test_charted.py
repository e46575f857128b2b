"""Charts of counts by day, shift and units in a row; limits from chosen days, whether they lie on the chart or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from mes import charted, quality, revisions
from mes.db.session import reading
from mes.domain.route import Shift, Text
from mes.domain.spc import CannotChart
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan

ONE, TWO, THREE = (START.date() + timedelta(days=n) for n in range(3))
VOLTS = ([3.0, 3.1, 9.0, 2.9], [3.0, 3.05, 2.95, 3.0, 3.1, 2.9], [4.6, 9.0, 4.4, 4.5])
DEFECTS: dict[int, list[str]] = {2: ["SCR", "BENT"], 5: ["SCR"], 12: ["SCR", "BENT"]}
DAYS: Any = ("mon", "tue", "wed")
SHIFTS = (
    Shift(id="x-early", name=Text(fr="Matin", en="Early"), start="06:00", end="14:00", days=DAYS),
    Shift(id="a-late", name=Text(fr="Soir", en="Late"), start="14:00", end="22:00", days=DAYS),
)


def serial(n: int) -> str:
    return f"GEN-2648-{n:05}"


def three_days(url: str) -> Floor:
    """Four, six and four units; the third and the twelfth fail once first; three have defects in the inspection."""
    plan = small_plan(retests=1)
    plan = plan.model_copy(update={"plant": plan.plant.model_copy(update={"shifts": SHIFTS})})
    floor = Floor(url, plan, twice=False)
    floor.order("GEN", 14)
    floor.order("KIT", 100, order="OF-2")
    n = 0
    for day, volts in enumerate(VOLTS):
        floor.clock.now = START + timedelta(days=day)
        for value in volts:
            n += 1
            if n == 13:
                floor.clock.now += timedelta(hours=6)
            b1, b2, b3 = (floor.bench(b) for b in ("b1", "b2", "b3"))
            floor.send(b1, b1.arrive(serial(n), "fit"), b1.fit(serial(n), "BAT", serial=str(n)))
            floor.send(b1, *(b1.fit(serial(n), "FUSE", lot="7") for _ in range(2)), b1.done(serial(n), "fit"))
            floor.send(b2, b2.arrive(serial(n), "test"), b2.test(serial(n), value))
            if value > 5:
                floor.send(b2, b2.test(serial(n), 3.0))
            floor.send(b2, b2.done(serial(n), "test"))
            floor.send(b3, b3.arrive(serial(n), "look"))
            if n in DEFECTS:
                nc = floor.send(b3, b3.look(serial(n), *DEFECTS[n]))[-1].args["nc"]
                floor.do(quality.decide, nc, "rework")
                floor.send(b3, b3.arrive(serial(n), "look"))
            floor.send(b3, b3.look(serial(n)), b3.done(serial(n), "look"))
    p1 = floor.bench("p1")
    floor.send(
        p1, p1.event("WorkCompleted", order="OF-2", step="bag", good=18, scrap=[{"defect": "BENT", "quantity": 2}])
    )
    return floor


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    made = three_days(f"sqlite:///{tmp_path_factory.mktemp('charted') / 'shop.db'}")
    yield made
    made.close()


def drawn(floor: Floor, step: str = "look", **more: Any) -> charted.Made:
    told = {"product": "GEN", "test": "", "since": ONE, "until": THREE, "kind": "u", **more}
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        return charted.made(session, plan, charted.Wanted(step=step, **told))


def counted(made: charted.Made) -> list[tuple[int, int]]:
    return [(s.failed, s.size) for s in made.samples]


def test_days_and_shifts_count_units_that_failed_and_the_defects_that_were_found_on_them(floor: Floor) -> None:
    assert counted(drawn(floor)) == [(2, 4), (1, 6), (2, 4)]
    assert counted(drawn(floor, kind="p")) == [(1, 4), (1, 6), (1, 4)]
    assert counted(drawn(floor, kind="p", by="shift")) == [(1, 4), (1, 6), (1, 2), (0, 2)]
    assert drawn(floor, by="shift").samples[-1].label == "2026-11-25 a-late"
    assert counted(drawn(floor, "test", kind="np")) == [(1, 4), (0, 6), (1, 4)]
    assert counted(drawn(floor, "test", kind="u", by="shift")) == [(1, 4), (0, 6), (1, 2), (0, 2)]
    u = drawn(floor).charts[0].points
    assert [p.value for p in u] == pytest.approx([0.5, 1 / 6, 0.5])
    assert u[0].center == pytest.approx(5 / 14)
    assert u[1].high == pytest.approx(5 / 14 + 3 * (5 / 14 / 6) ** 0.5)
    assert counted(drawn(floor, "bag", product="KIT", kind="p")) == [(2, 20)]


def test_units_in_a_row_make_samples_of_one_size_and_days_that_differ_make_no_c_chart(floor: Floor) -> None:
    made = drawn(floor, kind="c", by="units", size=4)
    assert counted(made) == [(2, 4), (1, 4), (2, 4)]
    assert (made.left_over, made.samples[0].units) == (2, tuple(serial(n) for n in range(1, 5)))
    assert {round(p.high, 6) for p in made.charts[0].points} == {round(5 / 3 + 3 * (5 / 3) ** 0.5, 6)}
    assert counted(drawn(floor, "test", kind="np", by="units", size=7)) == [(1, 7), (1, 7)]
    with pytest.raises(CannotChart, match="sizes_differ"):
        drawn(floor, kind="c")
    assert counted(drawn(floor, kind="c", since=ONE, until=ONE)) == [(2, 4)]


def test_the_limits_come_from_chosen_days_even_when_those_lie_before_the_chart(floor: Floor) -> None:
    later = {"since": THREE, "base_since": ONE, "base_until": TWO}
    made = drawn(floor, **later)
    assert (counted(made), made.base) == ([(2, 4), (1, 6), (2, 4)], frozenset({0, 1}))
    assert made.charts[0].points[2].center == pytest.approx(0.3)
    middle = drawn(floor, base_since=TWO, base_until=TWO)
    assert middle.base == frozenset({1})
    reads = drawn(floor, "test", test="volt", kind="i-mr", **later)
    assert (len(reads.samples), reads.base) == (14, frozenset(range(10)))
    groups = drawn(floor, "test", test="volt", kind="xbar-r", size=3, base_since=TWO, base_until=TWO)
    assert (len(groups.samples), groups.base, groups.left_over) == (4, frozenset({1, 2}), 2)
    assert groups.charts[0].points[1].center == pytest.approx(3.0)
    units = drawn(floor, kind="c", by="units", size=2, base_since=TWO, base_until=TWO)
    assert (len(units.samples), units.base) == (7, frozenset({2, 3, 4}))
    with pytest.raises(CannotChart, match="baseline_outside"):
        drawn(floor, base_since=date(2020, 1, 1), base_until=date(2020, 1, 2))
