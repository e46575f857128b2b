"""Testers' records in the ledger: once however often they come, by the plan's limits, a clear line for each file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from mes import instruments, records
from mes.commands_ledger import verify_engine
from mes.commands_test import import_records
from mes.db.session import reading, writing
from mes.db.tables import Ledger, Stream, UnitRow
from mes.domain.openhtf import Record, read_record
from mes.domain.records import Mapped
from tests.htf_records import END_MS, data, measurement, old, phase, record, volt
from tests.server.bench import Floor
from tests.server.small_plan import small_plan
from tests.server.worlds import ROOT

UNIT = "GEN-2648-00001"


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A released order; its first unit is on the test bench."""
    made = Floor(database_url, small_plan())
    made.order("GEN", 2)
    b1, b2 = made.bench("b1"), made.bench("b2")
    made.send(b1, b1.arrive(UNIT, "fit"), b1.fit(UNIT, "BAT", serial="1"), b1.fit(UNIT, "FUSE", lot="7"))
    made.send(b1, b1.fit(UNIT, "FUSE", lot="7"), b1.done(UNIT, "fit"))
    made.send(b2, b2.arrive(UNIT, "test"))
    yield made
    made.close()


def of(value: float = 3.0, unit: str = UNIT, **how: Any) -> dict[str, Any]:
    return volt(value, **how) | {"dut_id": unit}


def once(floor: Floor, made: dict[str, Any], *, station: str = "b2", **how: Any) -> records.Imported:
    found = read_record(data(made))
    assert isinstance(found, Record)
    with writing(floor.engine) as session:
        return records.bring_in(session, found, station=station, now=floor.clock.tick(), **how)


def bring(floor: Floor, made: dict[str, Any]) -> records.Imported:
    """Record it, and again: the second time changes nothing and says the same."""
    first, second = once(floor, made), once(floor, made)
    assert (second.status, second.verdict, second.reason) == ("duplicate", first.verdict, first.reason)
    return first


def rows(floor: Floor, kind: str = "UnitsTested") -> list[Ledger]:
    with reading(floor.engine) as session:
        found = list(session.scalars(select(Ledger).where(Ledger.kind == kind).order_by(Ledger.n)))
        session.expunge_all()
        return found


def unit(floor: Floor, serial: str = UNIT) -> UnitRow:
    with reading(floor.engine) as session:
        row = session.get_one(UnitRow, serial)
        session.expunge(row)
        return row


def run(floor: Floor, *args: Any) -> Result:
    url = floor.engine.url.render_as_string(hide_password=False)
    runner = CliRunner(env={"MES_ALLOW_UNSAFE_POSTGRES": "1"})
    return runner.invoke(import_records, ["--database", url, "--station", "b2", *map(str, args)])


def file(folder: Path, made: dict[str, Any] | bytes, name: str = "run.json") -> Path:
    path = folder / name
    path.write_bytes(made if isinstance(made, bytes) else data(made))
    return path


# --- recorded once


def test_a_record_of_the_unit_on_the_bench_is_its_test(floor: Floor) -> None:
    done = bring(floor, of(3.0))
    assert (done.status, done.verdict, done.reason) == ("recorded", "accepted", "test_passed")
    assert unit(floor).tested == "passed"


def test_a_record_is_recorded_once_however_often_it_comes(floor: Floor, tmp_path: Path) -> None:
    bring(floor, of(3.0))
    assert [once(floor, of(3.0)).status for _ in range(3)] == ["duplicate"] * 3
    assert len(rows(floor)) == 1
    assert verify_engine(floor.engine, tmp_path)[1] == []


def test_the_same_run_in_old_keys_is_the_same_record(floor: Floor) -> None:
    bring(floor, of(3.0))
    assert once(floor, old(of(3.0))).status == "duplicate"


def test_a_record_that_was_sent_for_another_station_is_still_the_same(floor: Floor) -> None:
    bring(floor, of(3.0))
    assert once(floor, of(3.0), station="b3").status == "duplicate"


def test_read_with_another_operator_later_it_stays_as_it_was_recorded(floor: Floor) -> None:
    bring(floor, of(3.0))
    assert once(floor, of(3.0), operator="007").status == "conflict"
    assert [r.kind for r in rows(floor, "Conflict")] == []


def test_the_records_of_a_station_are_a_stream_of_their_own_without_holes(floor: Floor) -> None:
    for i, value in enumerate((0.5, 3.0)):
        bring(floor, of(value, outcome="FAIL" if i == 0 else "PASS") | {"end_time_millis": END_MS + i})
    with reading(floor.engine) as session:
        (stream,) = session.scalars(select(Stream).where(Stream.hwm_event_id == rows(floor)[-1].event_id))
        assert stream.hwm_seq == 2
    assert [r.seq for r in rows(floor)] == [1, 2]


# --- what it means


def test_a_reading_outside_the_plans_limits_fails_the_unit(floor: Floor) -> None:
    assert bring(floor, of(6.0, outcome="FAIL")).reason == "retest"


def test_a_record_that_passes_what_the_plan_fails_does_not_pass_the_unit(floor: Floor) -> None:
    bring(floor, of(6.0, high=10.0))
    assert unit(floor).tested != "passed"


@pytest.mark.parametrize(
    ("made", "verdict", "tested"),
    [
        (of(6.0, high=10.0), "held", "error"),  # it says PASS, the number says no
        (of(4.0, outcome="FAIL", high=3.0), "held", "error"),  # it says FAIL, the number says yes
        (record(unit=UNIT), "held", "error"),  # it says PASS, and measured nothing
        (of(3.0) | {"outcome": "FAIL"}, "held", "error"),  # something that the plan does not know has failed
        (record(unit=UNIT, outcome="ERROR"), "accepted", "error"),
        (record(unit=UNIT, outcome="TIMEOUT"), "accepted", "timeout"),
        (record(unit=UNIT, outcome="ABORTED"), "accepted", "aborted"),
        (of(3.0) | {"outcome": "ERROR"}, "accepted", "aborted"),  # the tester broke down after it had measured
        (of(6.0, outcome="FAIL") | {"outcome": "ERROR"}, "accepted", "failed"),
    ],
)
def test_a_broken_tester_is_no_broken_unit_and_a_contradiction_blocks(
    floor: Floor, made: dict[str, Any], verdict: str, tested: str
) -> None:
    done = bring(floor, made)
    assert (done.verdict, unit(floor).tested) == (verdict, tested)


def test_what_an_unfit_instrument_has_measured_judges_no_unit(floor: Floor) -> None:
    known = {"family": "multimeter", "model": "DM-1", "serial": "S-1", "supplier": "Labo", "months": 12}
    assert floor.do(instruments.add, "DMM-03", **known).done
    year = {"done": date(2026, 1, 10), "due": date(2027, 1, 10)}
    assert floor.do(instruments.calibrate, "DMM-03", "good", **year).done
    assert bring(floor, of(3.0) | {"metadata": {"instruments": "DMM-03"}}).reason == "test_passed"
    late = of(3.0) | {"metadata": {"instruments": "DMM-09"}, "end_time_millis": END_MS + 1}
    assert bring(floor, late).reason == "instrument_unknown"
    assert unit(floor).tested == "error"


def test_a_record_of_a_unit_that_nobody_knows_is_kept_and_held(floor: Floor) -> None:
    done = bring(floor, of(3.0, unit="GEN-9999-00001"))
    assert (done.status, done.verdict, done.reason) == ("recorded", "held", "unknown_unit")


def test_a_record_of_a_unit_at_another_step_is_kept_and_holds_the_unit(floor: Floor, tmp_path: Path) -> None:
    done = bring(floor, of(3.0, unit="GEN-2648-00002"))
    assert (done.verdict, done.reason) == ("held", "contradiction")
    assert unit(floor, "GEN-2648-00002").nc is not None
    assert verify_engine(floor.engine, tmp_path)[1] == []


def test_the_ledger_keeps_which_record_it_was(floor: Floor) -> None:
    done = bring(floor, of(3.0))
    (row,) = rows(floor)
    assert (row.event_id, row.captured_at) == (done.run.event_id, "2026-11-25T09:46:40.000000Z")
    assert json.loads(json.loads(row.body)["tests"][0]["raw"])["measurement"] == "volt"


# --- the command


def test_each_file_has_one_clear_line(floor: Floor, tmp_path: Path) -> None:
    result = run(floor, file(tmp_path, of(3.0)))
    assert result.exit_code == 0
    assert f"run.json: {UNIT} at test: passed. Test passed." in result.output


def test_the_lines_are_in_french_where_the_person_reads_french(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MES_LANG", "fr")
    result = run(floor, file(tmp_path, of(6.0, high=10.0)))
    assert "les limites de l’enregistrement sont 1 … 10 V" in result.output


def test_a_bad_file_says_what_to_do_and_the_others_go_on(floor: Floor, tmp_path: Path) -> None:
    bad, good = file(tmp_path, b"{", "bad.json"), file(tmp_path, of(3.0))
    result = run(floor, bad, tmp_path / "not-there.json", tmp_path, good)
    assert result.exit_code == 1
    assert "bad.json: It is no JSON, or was cut off. Write the record again." in result.output
    assert "not-there.json: It cannot be read: No such file or directory." in result.output
    assert "3 of 4 files were not recorded." in result.output
    assert len(rows(floor)) == 1


def test_contradictions_are_named_one_by_one(floor: Floor, tmp_path: Path) -> None:
    made = of(6.0, high=10.0)
    made["phases"].append(phase("more", measurement("temperature", 21.0)))
    output = run(floor, file(tmp_path, made)).output
    assert "! volt: the record says PASS, 6 V by the plan's limits says failed." in output
    assert "! volt: the record's limits are 1 … 10 V, the plan's are 1 … 5 V. The plan's count." in output
    assert "! temperature is in the record and not in the plan. It was left out." in output


def test_sent_again_it_says_so_and_that_is_no_error(floor: Floor, tmp_path: Path) -> None:
    path = file(tmp_path, of(3.0))
    run(floor, path)
    again = run(floor, path)
    assert again.exit_code == 0
    assert f"{UNIT}: already in the ledger; nothing has changed." in again.output


def test_a_dry_run_writes_nothing(floor: Floor, tmp_path: Path) -> None:
    result = run(floor, "--dry-run", file(tmp_path, of(3.0)))
    assert f"{UNIT} at test: would be recorded as passed." in result.output
    assert rows(floor) == []


def test_json_is_one_object_a_line(floor: Floor, tmp_path: Path) -> None:
    result = run(floor, "--json", file(tmp_path, of(6.0, high=10.0)))
    (said,) = [json.loads(line) for line in result.output.splitlines()]
    assert (said["unit"], said["step"], said["status"], said["ok"]) == (UNIT, "test", "recorded", True)
    assert [r["code"] for r in said["remarks"]] == ["verdict", "limits", "run"]


def test_a_mapping_file_says_which_measurement_is_which_test(floor: Floor, tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text('[tests]\nvolt = { measurement = "out", unit = "mV" }\n')
    made = record(phase("p", measurement("out", 3000, validators=["1000 <= x <= 5000"])), unit=UNIT)
    assert "passed" in run(floor, "--map", mapping, file(tmp_path, made)).output


@pytest.mark.parametrize("content", ["tests = 1", "[tests]\n'a b' = 'x'", "[more]", "= ="])
def test_a_mapping_that_cannot_be_read_stops_before_anything_is_written(
    floor: Floor, tmp_path: Path, content: str
) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text(content)
    result = run(floor, "--map", mapping, file(tmp_path, of(3.0)))
    assert "map.toml cannot be used" in result.output
    assert rows(floor) == []


@pytest.mark.parametrize("slip", [("--station", "b9"), ("--step", "tset")])
def test_a_slip_of_the_keyboard_is_no_fact(floor: Floor, tmp_path: Path, slip: tuple[str, str]) -> None:
    result = run(floor, *slip, file(tmp_path, of(3.0)))
    assert result.exit_code == 1
    assert rows(floor) == []


def test_the_mapping_in_the_documentation_can_be_read() -> None:
    text = (ROOT / "docs" / "openhtf.md").read_text("utf-8")
    block = text.split("```toml\n# map.toml\n")[1].split("```")[0]
    assert Mapped.model_validate(tomllib.loads(block)).tests
