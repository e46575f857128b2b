"""A tester's record at the bench: the test of the unit that is in work here, or a fact about another one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from mes.domain.openhtf import Record, read_record
from mes.domain.route import RECORD
from stations import records
from stations.inputs import RecordCame
from tests.builders import UNIT, Bench, a_bench_at_work, a_plan, a_product, a_step, a_test, a_unit
from tests.htf_records import data, volt


def at_the_tester(link: str = "up", **more: Any) -> Bench:
    """A unit at a step whose readings come in a record."""
    test = a_test("v", "V", 1, 5).model_copy(update={"instrument": RECORD, "ask": "volt"})
    step = a_step("one", "test", tests=(test,), retests=1)
    plan = a_plan(a_product(step, a_step("two", station="bench-2")))
    return a_bench_at_work("bench-1", a_unit(step="one"), plan=plan, link=link, **more)


def a_record(value: float = 3.0, unit: str = UNIT, **how: Any) -> Record:
    found = read_record(data(volt(value, **how) | {"dut_id": unit}))
    assert isinstance(found, Record)
    return found


def test_a_record_is_the_test_of_the_unit_in_work() -> None:
    bench = at_the_tester().give(RecordCame, record=a_record())
    assert (bench.shows, bench.body("UnitsTested").outcome) == (("kept", "kept"), "passed")
    bench.server()
    assert bench.shows == ("go", "test_passed")
    bench.command("DONE").server()
    assert bench.shows == ("go", "step_done")


def test_the_event_has_the_records_own_id_and_time() -> None:
    draft = at_the_tester().give(RecordCame, record=a_record()).draft("UnitsTested")
    assert draft.captured_at == "2026-11-25T09:46:40.000000Z"
    assert draft.event_id is not None


@pytest.mark.parametrize(("ago_s", "named"), [(1, True), (59, True), (61, False), (86_400, False)])
def test_a_record_is_the_work_of_who_is_signed_in_only_when_it_is_fresh(ago_s: int, named: bool) -> None:
    bench = at_the_tester()
    now = datetime.fromisoformat(bench.session.now).timestamp()
    made = volt(3.0) | {"dut_id": UNIT, "end_time_millis": round((now - ago_s) * 1000)}
    found = read_record(data(made))
    assert isinstance(found, Record)
    bench.give(RecordCame, record=found, after_s=0)
    assert bench.draft("UnitsTested").operator == (bench.session.operator if named else None)
    assert bench.session.operator is not None


def test_the_reading_of_a_record_stands_on_the_screen() -> None:
    bench = at_the_tester().give(RecordCame, record=a_record(4.5))
    need = bench.need("test")
    assert (need.value, need.state) == (4.5, "ok")


def test_a_failed_record_with_a_retest_left_waits_for_the_next_record() -> None:
    bench = at_the_tester().give(RecordCame, record=a_record(9.0, outcome="FAIL")).server()
    assert bench.shows == ("stop", "retest")
    bench.give(RecordCame, record=a_record(3.0)).server()
    assert bench.shows == ("go", "test_passed")


def test_without_network_the_bench_judges_the_record_itself() -> None:
    bench = at_the_tester(link="down").give(RecordCame, record=a_record())
    assert bench.shows == ("kept", "test_passed")


def test_no_instrument_is_asked_for_what_a_record_brings() -> None:
    bench = at_the_tester().scan(UNIT)
    assert bench.measuring is None


def test_a_record_of_another_unit_is_a_fact_and_leaves_the_bench_alone() -> None:
    bench = at_the_tester()
    before = bench.banner
    bench.give(RecordCame, record=a_record(unit="NMD-2648-99999"))
    assert bench.body("UnitsTested").unit == "NMD-2648-99999"
    assert bench.banner == before


def test_a_record_waits_until_its_unit_is_known_here() -> None:
    session = at_the_tester().session
    assert records.due(session, UNIT)
    assert not records.due(session, "NMD-2648-99999")
