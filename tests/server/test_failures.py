"""Failures one by one: at which go, of what, on which unit; bars that add up to the yields; the command; the replay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from mes import quality, revisions
from mes.commands_failures import failures_
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.yielded import CannotAsk, Question, asked
from mes.yielded.failures import BY, GOES, Bar, Row, Wanted, bars, rows, total
from tests.server.bench import Floor
from tests.server.small_plan import small_plan
from tests.server.test_rollups import ONE, THREE, TWO, fitted

FOUR, FIVE = "GEN-2648-00004", "GEN-2648-00005"
DAY = date(2026, 11, 23)


def bad_morning(url: str) -> Floor:
    """One passes after an error of the bench and a stop; two passes in the retest; three fails twice, fails again after
    rework and is lost; four has two defects and is lost; five is lost at the bench; and 3 pieces of an order."""
    floor = Floor(url, small_plan(retests=1))
    floor.order("GEN", 5)
    floor.order("KIT", 50, order="OF-2")
    fitted(floor, ONE, TWO, THREE, FOUR, FIVE)
    b2, b3, p1 = floor.bench("b2"), floor.bench("b3"), floor.bench("p1")
    nothing: dict[str, Any] = {"test": "volt", "outcome": "error"}
    floor.send(b2, b2.arrive(ONE, "test"))
    floor.send(b2, b2.event("UnitsTested", unit=ONE, step="test", outcome="error", tests=[nothing]))
    floor.send(b2, b2.event("UnitsTested", unit=ONE, step="test", outcome="aborted", tests=[]))
    floor.send(b2, b2.test(ONE, 3.0), b2.done(ONE, "test"))
    floor.send(b2, b2.arrive(TWO, "test"), b2.test(TWO, 9.0), b2.test(TWO, 3.0), b2.done(TWO, "test"))
    floor.send(b2, b2.arrive(THREE, "test"), b2.test(THREE, 9.0), b2.test(THREE, 9.0))
    floor.do(quality.decide, "NC-2026-0001", "rework")
    floor.send(b2, b2.arrive(THREE, "test"), b2.test(THREE, 9.0), b2.test(THREE, 9.0))
    floor.do(quality.decide, "NC-2026-0002", "scrap")
    floor.send(b2, b2.arrive(FOUR, "test"), b2.test(FOUR, 3.0), b2.done(FOUR, "test"))
    floor.send(b3, b3.arrive(FOUR, "look"), b3.look(FOUR, "SCR", "BENT"))
    floor.do(quality.decide, "NC-2026-0003", "scrap")
    floor.send(b2, b2.arrive(FIVE, "test"), b2.event("UnitsDisqualified", unit=FIVE, step="test"))
    lost = [{"defect": "BENT", "quantity": 3}]
    floor.send(p1, p1.event("WorkCompleted", order="OF-2", step="bag", good=20, scrap=lost))
    return floor


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    made = bad_morning(database_url)
    yield made
    made.close()


def found(floor: Floor, **asked_for: Any) -> tuple[list[Bar], list[Row], int]:
    wanted = Wanted(**{"since": DAY, "until": DAY, **asked_for})
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        return bars(session, plan, wanted), rows(session, plan, wanted), total(session, plan, wanted)


def counted(floor: Floor, **asked_for: Any) -> dict[str, int]:
    return {f"{b.of} {b.key}".strip(): b.count for b in found(floor, **asked_for)[0]}


def test_first_attempts_retests_errors_of_the_bench_and_scrap_are_kept_apart(floor: Floor) -> None:
    assert counted(floor) == {"test volt": 2, "defect SCR": 1, "defect BENT": 1}
    assert counted(floor, go="again") == {"test volt": 3}
    assert counted(floor, go="bench") == {"test volt": 1, "run aborted": 1}
    assert counted(floor, go="scrap") == {"defect BENT": 3, "defect SCR": 1, "test volt": 1, "reason disqualified": 1}
    assert [b.share for b in found(floor, go="scrap")[0]] == pytest.approx([0.5, 4 / 6, 5 / 6, 1])


def test_every_bar_leads_to_exactly_its_units_and_bars_add_up(floor: Floor) -> None:
    for go in GOES:
        whole = found(floor, go=go)[2]
        for by in BY:
            some = found(floor, go=go, by=by)[0]
            assert by == "cause" or sum(b.count for b in some) == whole
            for bar in some:
                again, behind, count = found(floor, go=go, by=by, **bar.narrower)
                assert [b.count for b in again] == [bar.count]
                assert by == "cause" or count == bar.count
                assert by != "cause" or sum(r.count for r in behind) == bar.count
    assert [(r.unit, r.cause, r.count) for r in found(floor, go="scrap", product="KIT")[1]] == [("", "BENT", 3)]
    assert [r.unit for r in found(floor, of="test", cause="volt", product="GEN", step="test")[1]] == [THREE, TWO]


def test_by_step_first_failures_are_what_the_first_pass_yield_has_lost(floor: Floor) -> None:
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        sums = {y.step: y.counts for y in asked(session, plan, Question("step", DAY, DAY, product="GEN"))}
    assert counted(floor, by="step", product="GEN") == {
        s: c.first - c.first_passed for s, c in sums.items() if c.first - c.first_passed
    }
    lost = counted(floor, by="step", go="scrap", product="GEN")
    assert lost == {s: c.scrapped for s, c in sums.items() if c.scrapped}


def test_filters_an_order_over_its_whole_life_and_days_the_wrong_way_round(floor: Floor) -> None:
    long_ago = {"since": date(2020, 1, 1), "until": date(2020, 1, 2)}
    assert counted(floor, **long_ago) == {}
    assert counted(floor, **long_ago, order="OF-1") == counted(floor)
    assert counted(floor, station="b3") == {"defect SCR": 1, "defect BENT": 1}
    assert counted(floor, go="scrap", station="-") == {"defect SCR": 1, "test volt": 1}
    lines = found(floor, by="line")[0]
    assert counted(floor, line=lines[0].key) == counted(floor)
    with pytest.raises(CannotAsk):
        found(floor, since=date(2026, 11, 24))


def test_the_replay_gives_the_same_rows(floor: Floor, tmp_path: Path) -> None:
    assert verify_engine(floor.engine, tmp_path)[1] == []


def test_the_command_writes_bars_and_units(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    bad_morning(url).close()
    run = CliRunner().invoke
    days = ["--from", "2026-11-23", "--to", "2026-11-23", "--database", url]
    told = run(failures_, [*days, "--go", "scrap", "--format", "json"])
    assert told.exit_code == 0, told.output
    assert next((r["cause"], r["count"]) for r in json.loads(told.output)) == ("BENT", 3)
    units = run(failures_, [*days, "--units"]).output.splitlines()
    assert len(units) == 1 + 4
    book = run(failures_, [*days, "--format", "xlsx", "--output", str(tmp_path / "f.xlsx")])
    assert book.exit_code == 0, book.output
    assert [sheet.max_row for sheet in load_workbook(tmp_path / "f.xlsx")] == [4, 5]
    assert run(failures_, [*days, "--format", "xlsx"]).exit_code == 2
    wrong = run(failures_, ["--from", "2026-11-24", "--to", "2026-11-23", "--database", url])
    assert wrong.exit_code == 1
    assert "Change one of the two" in wrong.output
