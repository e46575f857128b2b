"""The flow of units: counted by hand, both sides of Little's law, and what may not be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from sqlalchemy import select

from mes import passages, quality, revisions
from mes.commands_flow import flow
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import Passage
from mes.domain.flow import Visit, little
from mes.passages import Flow, Question
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan

DAY = START.date()
UNITS = tuple(f"GEN-2648-{n:05}" for n in range(1, 7))


def fitted(floor: Floor, unit: str) -> None:
    b1 = floor.bench("b1")
    floor.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=unit[-1]))
    floor.clock.tick(600)
    floor.send(b1, b1.fit(unit, "FUSE", lot="7"), b1.fit(unit, "FUSE", lot="7"), b1.done(unit, "fit"))


def finished(floor: Floor, unit: str, wait_s: float = 0) -> None:
    b2, b3 = floor.bench("b2"), floor.bench("b3")
    floor.clock.tick(wait_s)
    floor.send(b2, b2.arrive(unit, "test"), b2.test(unit, 3.0), b2.done(unit, "test"))
    floor.send(b3, b3.arrive(unit, "look"), b3.look(unit), b3.done(unit, "look"))


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """On the first day 1 is finished after 1 h 10, 2 is scrapped, 3 is held; on the second 4 goes all the way, comes
    back and is finished again, and 5 waits for its test; 6 never begins."""
    made = Floor(f"sqlite:///{tmp_path_factory.mktemp('flow') / 'shop.db'}", small_plan())
    made.order("GEN", 6)
    b2 = made.bench("b2")
    fitted(made, UNITS[0])
    finished(made, UNITS[0], 3_600)
    for unit in UNITS[1:3]:
        fitted(made, unit)
        made.send(b2, b2.arrive(unit, "test"), b2.test(unit, 9.0), b2.test(unit, 9.0))
    made.do(quality.decide, "NC-2026-0001", "scrap")
    made.clock.tick(86_400)
    fitted(made, UNITS[3])
    finished(made, UNITS[3])
    made.send(b2, b2.test(UNITS[3], 9.0))  # against the record: it is held and goes back
    made.do(quality.decide, "NC-2026-0003", "rework", step="test")
    finished(made, UNITS[3], 7_200)
    fitted(made, UNITS[4])
    yield made
    made.close()


def ask(floor: Floor, *, days: int = 1, since: int = 0, later: float = 0, **more: Any) -> Flow:
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        first = DAY + timedelta(days=since)
        question = Question(**{"by": "product", "since": first, "until": first + timedelta(days=days), **more})
        return passages.read(session, plan, question, now=floor.clock.now + timedelta(seconds=later))


def test_what_began_ended_and_stands_is_what_was_done(floor: Floor) -> None:
    found = ask(floor)
    assert [(d.begun, d.finished, d.scrapped) for d in found.days] == [(3, 1, 1), (2, 1, 0)]
    assert [(s.step, s.on_bench, s.waiting, s.held) for s in found.standing] == [("test", 0, 1, 1)]
    (ways,) = found.ways
    assert (ways.key, ways.finished, ways.scrapped) == ("GEN", 2, 1)
    assert ways.cycle is not None
    first, again = ways.cycle  # the one that came back was on its way all the time
    assert 4_200 <= first < 4_300
    assert 7_800 <= again < 8_000
    assert all(lead > cycle for lead, cycle in zip(ways.lead, ways.cycle, strict=True))
    assert sum(b.count for b in ways.bins) == 2
    (of_order,) = ask(floor, by="order", order="OF-1").ways
    assert (of_order.key, of_order.cycle, of_order.lead) == ("OF-1", ways.cycle, ways.lead)
    assert ask(floor, order="OF-2").ways == ask(floor, product="KIT").ways == ()


@pytest.mark.parametrize(
    ("since", "days", "later"), [(0, 1, 0), (0, 1, 200_000), (0, 0, 0), (1, 0, 0), (1, 3, 400_000)]
)
def test_littles_law_reads_the_same_from_few_rows_as_from_all_of_them(
    floor: Floor, since: int, days: int, later: float
) -> None:
    found = ask(floor, since=since, days=days, later=later)
    with reading(floor.engine) as session:
        rows = session.execute(select(Passage.began_at, Passage.ended_at)).all()
    moments = [tuple(_seconds(at) for at in row) for row in rows]
    end = found.until.timestamp()
    visits = [Visit("", a, b if b is not None and b < end else None) for a, b in moments if a is not None and a < end]
    expected = little(visits, found.since.timestamp(), end)
    assert expected is not None
    assert found.little is not None
    assert found.little.mean_wip == pytest.approx(expected.mean_wip)
    assert (found.little.rate, found.little.mean_stay) == pytest.approx((expected.rate, expected.mean_stay))


def _seconds(at: str | None) -> float | None:
    return datetime.fromisoformat(at).timestamp() if at else None


def test_the_way_over_one_station_is_one_persons_time_and_is_not_shown(floor: Floor) -> None:
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        gen = plan.product("GEN")
        assert gen is not None
        alone = gen.model_copy(update={"steps": tuple(s.model_copy(update={"stations": ("b1",)}) for s in gen.steps)})
        plan = plan.model_copy(update={"products": (alone, *plan.products[1:])})
        for product in ("GEN", ""):
            found = passages.read(
                session, plan, Question("product", DAY, DAY + timedelta(days=1), product), now=floor.clock.now
            )
            (ways,) = found.ways
            assert ways.cycle is ways.cycle_spread is None
            assert ways.lead_spread is not None
            assert found.little is None or found.little.mean_stay is None


def test_the_command_writes_every_format_and_the_ledger_agrees(floor: Floor, tmp_path: Path) -> None:
    run = CliRunner()
    asked = ["--from", "2026-11-23", "--to", "2026-11-24", "--database", str(floor.engine.url)]

    def said(*more: str) -> str:
        result = run.invoke(flow, [*asked, *more])
        assert result.exit_code == 0, result.output
        return result.output

    assert "GEN" in said()
    assert "2026-11-23  3      1         1" in said("--table", "days")
    whole = json.loads(said("--format", "json"))
    assert whole["ways"][0]["cycle_count"] == 2
    assert whole["standing"] == [{"product": "GEN", "step": "test", "on_bench": 0, "waiting": 1, "held": 1}]
    assert said("--format", "csv", "--table", "histogram").count("GEN,GEN,cycle") == len(whole["histogram"])
    said("--format", "xlsx", "--output", str(tmp_path / "flow.xlsx"))
    assert load_workbook(tmp_path / "flow.xlsx").sheetnames == ["ways", "days", "standing", "little", "histogram"]
    said("--format", "parquet", "--output", str(tmp_path / "flow.parquet"))
    assert verify_engine(floor.engine, tmp_path)[1] == []
    for wrong in (["--to", "2026-11-01"], ["--from", "2020-01-01"], ["--format", "xlsx"]):
        assert run.invoke(flow, [*asked, *wrong]).exit_code != 0
